// Whole networks of any operators, then spoilt: the sound ones must be read, the others refused with a reason or run
// like any.
#include <utility>

#include "fuzz/engines.hpp"
#include "fuzz/input.hpp"
#include "fuzz/networks.hpp"

namespace silhouette::fuzz {

void try_input(std::span<const std::byte> bytes) {
  Input in(bytes);
  enum : unsigned { kSound, kOtherNumbers, kOtherBytes, kWays };
  const unsigned way = in.below(kWays);
  const Place place = in.one_in(2) ? Place::kNamedData : Place::kPayload;
  const bool low_memory = in.one_in(2);
  auto file = make_model(in, {.manner = Manner::kWild, .constants = place, .spoilt = way == kOtherNumbers});
  if (way == kOtherBytes) {
    for (int times = in.within(1, 4); times > 0; --times)
      file[in.word() % file.size()] = static_cast<std::byte>(in.byte());
  }
  const auto network = load(file, way == kSound ? Soundness::kSound : Soundness::kUnknown);
  if (!network) return;
  const auto input = input_for(network->shape);
  const NativeOptions options{.low_memory = low_memory};
  const auto once = run_native(*network, input, options, one_thread());
  require_same(run_native(*network, input, options, three_threads()), once, "three threads and one");
}

}  // namespace silhouette::fuzz
