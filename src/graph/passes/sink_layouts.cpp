#include <utility>

#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

/// The operand that a node works on value by value, all others being single numbers; nothing for other nodes.
constexpr std::size_t kNone = 2;
std::size_t lone_operand(const Graph& graph, const Node& node) {
  if (node.op <= Op::kTanh) return 0;
  if (node.op > Op::kSubtract) return kNone;
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor& number = graph.tensors[node.inputs[1 - i]];
    const Tensor& operand = graph.tensors[node.inputs[i]];
    if (number.constant.values.size() == 1 && operand.dims == graph.tensors[node.output].dims) return i;
  }
  return kNone;
}

void visit(Rewriter& rewriter, std::size_t index) {
  Graph& graph = rewriter.graph();
  const std::size_t operand = lone_operand(graph, rewriter.node(index));
  if (operand == kNone) return;
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

}  // namespace

bool sink_layouts(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
