#include <cmath>

#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

constexpr Activation kSix{.function = Activation::Function::kNone, .min = 0, .max = 6};

/// For x + 3 limited to [0, 6], x; otherwise `none`.
TensorId shifted(Rewriter& rewriter, TensorId id, TensorId none) {
  const std::size_t maker = rewriter.maker(id, Op::kAdd);
  if (maker == Rewriter::kNobody) return none;
  const Node& node = rewriter.node(maker);
  if (node.activation != kSix) return none;
  for (std::size_t i = 0; i < 2; ++i) {
    if (is_number(rewriter.graph(), node.inputs[1 - i], 3) &&
        rewriter.dims(node.inputs[i]) == rewriter.dims(node.output))
      return node.inputs[i];
  }
  return none;
}

/// For a division by 6, the dividend; otherwise the node's result.
TensorId sixfold(Rewriter& rewriter, const Node& node) {
  const Graph& graph = rewriter.graph();
  const auto has_result_dims = [&](TensorId id) { return rewriter.dims(id) == rewriter.dims(node.output); };
  if (node.op == Op::kDivide && is_number(graph, node.inputs[1], 6) && has_result_dims(node.inputs[0]))
    return node.inputs[0];
  if (node.op != Op::kMultiply) return node.output;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto factor = graph.tensors[node.inputs[1 - i]].constant.values;
    // 1/6 isn't a float; either neighbour is meant as it.
    if (factor.size() == 1 && std::abs(factor[0] * 6 - 1) <= 1e-6F && has_result_dims(node.inputs[i]))
      return node.inputs[i];
  }
  return node.output;
}

void become(Rewriter& rewriter, std::size_t index, Op op, TensorId operand) {
  Node node{.op = op, .inputs = {operand}, .output = rewriter.node(index).output};
  node.activation = rewriter.node(index).activation;
  if (op == Op::kClamp) node.activation.function = Activation::Function::kHardsigmoid;
  rewriter.set(index, std::move(node));
}

/// x + 3 limited to [0, 6], divided by 6; and the same multiplied by x before the division.
void find_division(Rewriter& rewriter, std::size_t index) {
  const Node& node = rewriter.node(index);
  if (node.activation.function != Activation::Function::kNone) return;
  const TensorId dividend = sixfold(rewriter, node);
  if (dividend == node.output) return;
  if (const TensorId x = shifted(rewriter, dividend, dividend); x != dividend)
    return become(rewriter, index, Op::kClamp, x);
  const std::size_t maker = rewriter.maker(dividend, Op::kMultiply);
  if (maker == Rewriter::kNobody || !rewriter.node(maker).activation.is_identity()) return;
  const auto factors = rewriter.node(maker).inputs;
  for (std::size_t i = 0; i < 2; ++i) {
    if (factors[0] != factors[1] && shifted(rewriter, factors[1 - i], factors[1 - i]) == factors[i])
      return become(rewriter, index, Op::kHardswish, factors[i]);
  }
}

/// x times its hardsigmoid.
void find_product(Rewriter& rewriter, std::size_t index) {
  const Node& node = rewriter.node(index);
  if (node.op != Op::kMultiply || node.activation.function != Activation::Function::kNone) return;
  constexpr Activation kHardsigmoid{.function = Activation::Function::kHardsigmoid};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t maker = rewriter.maker(node.inputs[1 - i], Op::kClamp);
    if (maker != Rewriter::kNobody && rewriter.node(maker).activation == kHardsigmoid &&
        rewriter.node(maker).inputs[0] == node.inputs[i])
      return become(rewriter, index, Op::kHardswish, node.inputs[i]);
  }
}

}  // namespace

bool recognize_activations(Graph& graph) {
  return Rewriter::sweep(graph, [](Rewriter& rewriter, std::size_t index) {
    find_division(rewriter, index);
    find_product(rewriter, index);
  });
}

}  // namespace silhouette::graph
