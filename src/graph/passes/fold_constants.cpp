#include "graph/folding.hpp"
#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {

bool fold_constants(Graph& graph) {
  Folder folder(graph);
  return Rewriter::sweep(graph, [&](Rewriter& rewriter, std::size_t index) {
    const Node& node = rewriter.node(index);
    if (node.output != graph.output && folder.fold(graph, node)) rewriter.remove(index);
  });
}

}  // namespace silhouette::graph
