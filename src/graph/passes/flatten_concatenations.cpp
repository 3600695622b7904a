#include <algorithm>

#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {

bool flatten_concatenations(Graph& graph) {
  return Rewriter::sweep(graph, [](Rewriter& rewriter, std::size_t index) {
    if (rewriter.node(index).op != Op::kConcatenate) return;
    Node flat = rewriter.node(index);
    flat.inputs.clear();
    std::vector<std::size_t> inner;
    for (const TensorId id : rewriter.node(index).inputs) {
      const std::size_t maker = rewriter.maker(id, Op::kConcatenate);
      if (maker != Rewriter::kNobody && rewriter.is_used_once(id) && rewriter.node(maker).axis == flat.axis &&
          rewriter.node(maker).activation.is_identity()) {
        inner.push_back(maker);
        flat.inputs.insert(flat.inputs.end(), rewriter.node(maker).inputs.begin(), rewriter.node(maker).inputs.end());
      } else {
        flat.inputs.push_back(id);
      }
    }
    if (inner.empty()) return;
    rewriter.set(index, std::move(flat));
    for (const std::size_t maker : inner) rewriter.remove(maker);
  });
}

}  // namespace silhouette::graph
