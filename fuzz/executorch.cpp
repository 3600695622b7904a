// The native engine against ExecuTorch's, with constants wherever a file can have them; and ExecuTorch with spoilt
// files that verification let pass: it trusts them.
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "engine/executorch/executorch_engine.hpp"
#include "engine/model_data.hpp"
#include "fuzz/engines.hpp"
#include "fuzz/input.hpp"
#include "fuzz/networks.hpp"

namespace silhouette::fuzz {
namespace {

/// XNNPACK's own approximations of exponentials and the like err more than sums do.
constexpr double kTimesTheTolerance = 10;

}  // namespace

void try_input(std::span<const std::byte> bytes) {
  Input in(bytes);
  const bool sound = !in.one_in(4);
  static constexpr std::array kPlaces{Place::kPayload, Place::kNamedData, Place::kMixed, Place::kGraph};
  const Place place = in.pick(kPlaces);
  const auto file = make_model(in, {.constants = place, .spoilt = !sound});
  const auto network = load(file, sound ? Soundness::kSound : Soundness::kUnknown);
  if (!network || !network->other_engines.obstacle.empty()) return;
  const auto input = input_for(network->shape);
  const auto engine = create_executorch_engine(std::make_shared<const ModelData>(file), network->shape, 1, "fuzz.pte",
                                               network->other_engines.kept);
  // XNNPACK has rules of its own for what is spoilt, of which it tells the last when a network first runs.
  const auto refused = [&](const Error& error) {
    if (sound) broken("ExecuTorch doesn't run a sound network: {}", error.message);
    require_one_line(error.message);
  };
  if (!engine) return refused(engine.error());
  const auto result = (*engine)->run(input, Tail::kWhole, {});
  if (!result) return refused(result.error());
  const auto again = (*engine)->run(input, Tail::kWhole, {});
  if (!again) broken("ExecuTorch doesn't run twice: {}", again.error().message);
  require_same(again->values.span(), result->values.span(), "ExecuTorch's second run");
  if (!sound) return;
  const auto expected = interpret(*network, input);
  require_near(result->values.span(), expected.values, kTimesTheTolerance * expected.tolerance, "ExecuTorch");
  require_near(run_native(*network, input, {}, one_thread()), expected.values, expected.tolerance, "native");
}

}  // namespace silhouette::fuzz
