#include <algorithm>

#include "graph/passes/all.hpp"
#include "graph/passes/layouts.hpp"

namespace silhouette::graph {

void join_transpose(Rewriter& rewriter, std::size_t index) {
  if (rewriter.node(index).op != Op::kTranspose) return;
  const TensorId middle = rewriter.node(index).inputs[0];
  const std::size_t maker = rewriter.maker(middle, Op::kTranspose);
  if (maker == Rewriter::kNobody || !rewriter.node(maker).activation.is_identity()) return;
  Node node = rewriter.node(index);
  const Node& first = rewriter.node(maker);
  for (std::int64_t& dim : node.order) dim = first.order[static_cast<std::size_t>(dim)];
  node.inputs[0] = first.inputs[0];
  if (std::ranges::is_sorted(node.order) && node.activation.is_identity() &&
      rewriter.maker(node.inputs[0]) != Rewriter::kNobody) {
    rewriter.replace(node.output, node.inputs[0]);
    rewriter.remove(index);
  } else {
    rewriter.set(index, std::move(node));
  }
  if (rewriter.is_unused(middle)) rewriter.remove(maker);
}

bool join_transposes(Graph& graph) {
  return Rewriter::sweep(graph, join_transpose);
}

}  // namespace silhouette::graph
