#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {

bool join_transposes(Graph& graph) {
  return Rewriter::sweep(graph, [](Rewriter& rewriter, std::size_t index) {
    Node& node = rewriter.node(index);
    if (node.op != Op::kTranspose) return;
    const std::size_t maker = rewriter.maker(node.inputs[0], Op::kTranspose);
    if (maker == Rewriter::kNobody || !rewriter.node(maker).activation.is_identity()) return;
    const Node& first = rewriter.node(maker);
    for (std::int64_t& dim : node.order) dim = first.order[static_cast<std::size_t>(dim)];
    rewriter.set_input(index, 0, first.inputs[0]);
  });
}

}  // namespace silhouette::graph
