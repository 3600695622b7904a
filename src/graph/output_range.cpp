#include "graph/output_range.hpp"

namespace silhouette::graph {
namespace {

bool is_within_unit(const Activation& activation) {
  return activation.function == Activation::Function::kSigmoid ||
         activation.function == Activation::Function::kHardsigmoid || (activation.min >= 0 && activation.max <= 1);
}

}  // namespace

OutputRange output_range(const Graph& graph) {
  TensorId wanted = graph.output;
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
      case Op::kSubtract:
      case Op::kConvolution:
      case Op::kDepthwiseConvolution:
      case Op::kTransposeConvolution:
      case Op::kFullyConnected: return OutputRange::kUnbounded;
      default: return OutputRange::kUnknown;
    }
  }
  return OutputRange::kUnknown;
}

}  // namespace silhouette::graph
