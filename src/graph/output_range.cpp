#include "graph/output_range.hpp"

#include <algorithm>

namespace silhouette::graph {
namespace {

bool is_within_unit(const Activation& activation) {
  return activation.function == Activation::Function::kSigmoid ||
         activation.function == Activation::Function::kHardsigmoid || (activation.min >= 0 && activation.max <= 1);
}

/// Of one value, found by looking at the operator that makes it. `adds` bounds the way through sums of sums.
OutputRange range_of(const Graph& graph, TensorId wanted, int adds) {
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    if (node->output != wanted) continue;
    if (is_within_unit(node->activation)) return OutputRange::kUnit;
    if (!node->activation.is_identity()) return OutputRange::kUnknown;
    switch (node->op) {
      case Op::kSigmoid: return OutputRange::kUnit;
      case Op::kCopy:
      case Op::kTranspose:
      case Op::kResizeBilinear: wanted = node->inputs[0]; break;
      case Op::kAdd:
      case Op::kSubtract: {
        // One side is enough: 1 − sigmoid and means of probabilities have none.
        const bool unbounded = adds > 0 && std::ranges::any_of(node->inputs, [&](TensorId input) {
                                 return range_of(graph, input, adds - 1) == OutputRange::kUnbounded;
                               });
        return unbounded ? OutputRange::kUnbounded : OutputRange::kUnknown;
      }
      case Op::kConvolution:
      case Op::kDepthwiseConvolution:
      case Op::kTransposeConvolution:
      case Op::kFullyConnected: return OutputRange::kUnbounded;
      default: return OutputRange::kUnknown;
    }
  }
  return OutputRange::kUnknown;
}

}  // namespace

OutputRange output_range(const Graph& graph) {
  constexpr int kMostAdds = 4;
  return range_of(graph, graph.output, kMostAdds);
}

}  // namespace silhouette::graph
