// The native engine on every instruction set, with one thread and three, in both memory modes, against the plain
// interpreter.
#include <string>
#include <utility>
#include <vector>

#include "fuzz/engines.hpp"
#include "fuzz/input.hpp"
#include "fuzz/networks.hpp"
#include "kernels/isa.hpp"

namespace silhouette::fuzz {
namespace {

/// All that this machine has; what AVX-512 would do is done in other instructions where there is none.
std::vector<const kernels::Kernels*> all_kernels() {
  const auto list = kernels::available_kernels();
  std::vector<const kernels::Kernels*> result(list.begin(), list.end());
  if (result.front()->block < kernels::kAvx512ForAnyMachine.block) result.push_back(&kernels::kAvx512ForAnyMachine);
  return result;
}

}  // namespace

void try_input(std::span<const std::byte> bytes) {
  Input in(bytes);
  const bool low_memory = in.one_in(2);
  const auto file = make_model(in, {});
  const auto network = load(file, Soundness::kSound);
  if (!network) return;
  const auto input = input_for(network->shape);
  const auto expected = interpret(*network, input);
  static const auto kKernels = all_kernels();
  for (const auto* kernels : kKernels) {
    const NativeOptions options{.kernels = kernels, .low_memory = low_memory};
    const auto what = fmt::format("{}{}", kernels->name, low_memory ? ", low memory" : "");
    const auto once = run_native(*network, input, options, one_thread());
    require_near(once, expected.values, expected.tolerance, what);
    require_same(run_native(*network, input, options, three_threads()), once, what + ": three threads and one");
  }
}

}  // namespace silhouette::fuzz
