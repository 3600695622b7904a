#include "graph/operators.hpp"
#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

void visit(Rewriter& rewriter, std::size_t index) {
  Node& node = rewriter.node(index);
  if (node.op == Op::kResizeBilinear && is_pixel(rewriter.dims(node.inputs[0]))) {
    node.op = Op::kExpand;
    rewriter.mark_changed();
    return;
  }
  if (!is_binary(node.op)) return;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t maker = rewriter.maker(node.inputs[i], Op::kExpand);
    if (maker == Rewriter::kNobody || !rewriter.node(maker).activation.is_identity()) continue;
    Node narrow = node;
    narrow.inputs[i] = rewriter.node(maker).inputs[0];
    const auto dims = result_dims(rewriter.graph(), narrow);
    if (dims && *dims == rewriter.dims(node.output)) rewriter.set_input(index, i, narrow.inputs[i]);
  }
}

}  // namespace

bool broadcast_operands(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
