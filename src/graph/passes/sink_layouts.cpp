#include <algorithm>
#include <utility>

#include "graph/operators.hpp"
#include "graph/passes/all.hpp"
#include "graph/passes/layouts.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

constexpr std::size_t kNone = 2;

/// The operand that a node works on value by value, all others being single numbers; kNone for other nodes.
std::size_t lone_operand(const Graph& graph, const Node& node) {
  if (is_unary(node.op)) return 0;
  if (!is_binary(node.op)) return kNone;
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor& number = graph.tensors[node.inputs[1 - i]];
    const Tensor& operand = graph.tensors[node.inputs[i]];
    if (number.constant.values.size() == 1 && operand.dims == graph.tensors[node.output].dims) return i;
  }
  return kNone;
}

void sink_below_single(Rewriter& rewriter, std::size_t index, std::size_t operand) {
  Graph& graph = rewriter.graph();
  const TensorId middle = rewriter.node(index).inputs[operand];
  const std::size_t maker = rewriter.maker(middle);
  if (maker == Rewriter::kNobody || !rewriter.is_used_once(middle)) return;
  Node layout = rewriter.node(maker);
  if ((layout.op != Op::kCopy && layout.op != Op::kTranspose) || !layout.activation.is_identity()) return;
  const TensorId source = layout.inputs[0];
  if (graph.tensors[source].is_constant()) return;
  Node arithmetic = rewriter.node(index);
  const std::size_t rank = rewriter.dims(source).size();
  for (const TensorId id : arithmetic.inputs) {
    if (id != middle && rewriter.dims(id).size() > rank) return;
  }
  // The two change places; between them is an array of the source's dimensions now.
  const TensorId between = rewriter.add_tensor(std::vector<std::int64_t>(rewriter.dims(source)));
  arithmetic.inputs[operand] = source;
  layout.output = std::exchange(arithmetic.output, between);
  layout.inputs[0] = between;
  rewriter.set(maker, std::move(arithmetic));
  rewriter.set(index, std::move(layout));
}

/// Dimensions of what `order` would make an array of `dims` of.
std::vector<std::int64_t> before_transpose(const std::vector<std::int64_t>& dims,
                                           const std::vector<std::int64_t>& order) {
  std::vector<std::int64_t> result(dims.size());
  for (std::size_t i = 0; i < order.size(); ++i) result[static_cast<std::size_t>(order[i])] = dims[i];
  return result;
}

/// The node's operands before a transpose by `order`: of transposed arrays what was transposed, of vectors (all
/// dimensions but one are 1) a reshape, to be made by the `copies`. False if there are others.
bool find_sources(Rewriter& rewriter, const Node& node, const Node& layout, std::vector<TensorId>& sources,
                  std::vector<Node>& copies) {
  for (const TensorId id : node.inputs) {
    const std::size_t maker = rewriter.maker(id, Op::kTranspose);
    if (maker != Rewriter::kNobody && rewriter.node(maker).order == layout.order &&
        rewriter.node(maker).activation.is_identity() && rewriter.is_used_once(id)) {
      sources.push_back(rewriter.node(maker).inputs[0]);
      continue;
    }
    const std::vector<std::int64_t> dims = rewriter.dims(id);
    if (dims.size() != layout.order.size() ||
        std::ranges::count(dims, 1) < static_cast<std::ptrdiff_t>(dims.size()) - 1)
      return false;
    sources.push_back(rewriter.add_tensor(before_transpose(dims, layout.order)));
    copies.push_back({.op = Op::kCopy, .inputs = {id}, .output = sources.back()});
  }
  return true;
}

/// Arithmetic of two arrays that were transposed alike, or of one and a vector.
void sink_below_pair(Rewriter& rewriter, std::size_t index) {
  Node arithmetic = rewriter.node(index);
  if (!is_binary(arithmetic.op)) return;
  for (const TensorId id : arithmetic.inputs) {
    const std::size_t maker = rewriter.maker(id, Op::kTranspose);
    if (maker == Rewriter::kNobody || !rewriter.is_used_once(id) || !rewriter.node(maker).activation.is_identity() ||
        rewriter.dims(id) != rewriter.dims(arithmetic.output))
      continue;
    Node layout = rewriter.node(maker);
    std::vector<TensorId> sources;
    std::vector<Node> copies;
    if (!find_sources(rewriter, arithmetic, layout, sources, copies)) return;
    const TensorId between = rewriter.add_tensor(before_transpose(rewriter.dims(arithmetic.output), layout.order));
    for (Node& copy : copies) rewriter.insert_before(index, std::move(copy));
    layout.inputs[0] = between;
    layout.output = std::exchange(arithmetic.output, between);
    arithmetic.inputs = std::move(sources);
    rewriter.insert_before(index, std::move(arithmetic));
    rewriter.set(index, std::move(layout));
    return;
  }
}

void visit(Rewriter& rewriter, std::size_t index) {
  // At once, or a long chain would take as many walks as it has transposes.
  if (rewriter.node(index).op == Op::kTranspose) return join_transpose(rewriter, index);
  const std::size_t operand = lone_operand(rewriter.graph(), rewriter.node(index));
  if (operand != kNone) {
    sink_below_single(rewriter, index, operand);
  } else {
    sink_below_pair(rewriter, index);
  }
}

}  // namespace

bool sink_layouts(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
