// Any bytes as a model file: refused with a reason, or planned and run. Results don't depend on the number of threads.
#include "fuzz/engines.hpp"
#include "fuzz/input.hpp"

namespace silhouette::fuzz {

void try_input(std::span<const std::byte> bytes) {
  const auto network = load(bytes, Soundness::kUnknown);
  if (!network) return;
  const auto input = input_for(network->shape);
  static_cast<void>(graph::describe(network->graph));
  const auto expected = interpret(*network, input);
  const auto once = run_native(*network, input, {}, one_thread());
  if (once.size() != expected.values.size()) broken("{} values instead of {}", once.size(), expected.values.size());
  require_same(run_native(*network, input, {}, three_threads()), once, "three threads and one");
}

}  // namespace silhouette::fuzz
