#include <algorithm>

#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

/// Whether a node hands on its operand as it is.
bool changes_nothing(const Graph& graph, const Node& node) {
  if (node.inputs.size() != 1 || !node.activation.is_identity()) return false;
  const bool same_dims = graph.tensors[node.inputs[0]].dims == graph.tensors[node.output].dims;
  switch (node.op) {
    case Op::kClamp:
    case Op::kConcatenate:
    case Op::kCopy:
    case Op::kExpand:
    case Op::kPad:
    case Op::kResizeBilinear:
    case Op::kSlice: return same_dims;
    case Op::kTranspose: return std::ranges::is_sorted(node.order);
    default: return false;
  }
}

bool moves_only_ones(const Graph& graph, const Node& node) {
  std::vector<std::int64_t> moved;
  for (const std::int64_t dim : node.order) {
    if (graph.tensors[node.inputs[0]].dims[static_cast<std::size_t>(dim)] != 1) moved.push_back(dim);
  }
  return std::ranges::is_sorted(moved);
}

void visit(Rewriter& rewriter, std::size_t index) {
  Graph& graph = rewriter.graph();
  Node& node = rewriter.node(index);
  if (changes_nothing(graph, node)) {
    // The output stays something that a node makes.
    if (node.output == graph.output && rewriter.maker(node.inputs[0]) == Rewriter::kNobody) return;
    rewriter.replace(node.output, node.inputs[0]);
    rewriter.remove(index);
    return;
  }
  if (node.op == Op::kTranspose && moves_only_ones(graph, node)) {
    node.op = Op::kCopy;
    node.order.clear();
    rewriter.mark_changed();
  }
  if (node.op != Op::kCopy) return;
  const std::size_t maker = rewriter.maker(node.inputs[0], Op::kCopy);
  if (maker != Rewriter::kNobody && rewriter.node(maker).activation.is_identity())
    rewriter.set_input(index, 0, rewriter.node(maker).inputs[0]);
}

}  // namespace

bool remove_copies(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
