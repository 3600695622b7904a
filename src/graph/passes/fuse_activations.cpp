#include <algorithm>
#include <optional>

#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

using Function = Activation::Function;

/// The activation that a node is, if it is nothing else.
std::optional<Activation> as_activation(const Node& node) {
  Activation activation = node.activation;
  switch (node.op) {
    case Op::kClamp: return activation;
    case Op::kHardswish:
    case Op::kSigmoid:
      if (activation.function != Function::kNone) return std::nullopt;
      activation.function = node.op == Op::kSigmoid ? Function::kSigmoid : Function::kHardswish;
      return activation;
    default: return std::nullopt;
  }
}

bool takes_functions(Op op) {
  switch (op) {
    case Op::kAdd:
    case Op::kClamp:
    case Op::kConvolution:
    case Op::kDepthwiseConvolution:
    case Op::kFullyConnected:
    case Op::kTransposeConvolution: return true;
    default: return false;
  }
}

bool takes_clamps(Op op) {
  switch (op) {
    case Op::kAveragePool:
    case Op::kDivide:
    case Op::kGlobalAverage:
    case Op::kHardswish:
    case Op::kMaxPool:
    case Op::kMultiply:
    case Op::kSigmoid:
    case Op::kSubtract: return true;
    default: return takes_functions(op);
  }
}

/// `second` after `first`, if one activation can be both.
std::optional<Activation> joined(const Activation& first, const Activation& second) {
  if (second.function != Function::kNone && !first.is_identity()) return std::nullopt;
  if (second.function != Function::kNone) return second;
  return Activation{.function = first.function,
                    .min = std::clamp(first.min, second.min, second.max),
                    .max = std::clamp(first.max, second.min, second.max)};
}

void visit(Rewriter& rewriter, std::size_t index) {
  const auto second = as_activation(rewriter.node(index));
  if (!second) return;
  const TensorId operand = rewriter.node(index).inputs[0];
  const TensorId result = rewriter.node(index).output;
  const std::size_t maker = rewriter.maker(operand);
  if (maker == Rewriter::kNobody || !rewriter.is_used_once(operand)) return;
  Node node = rewriter.node(maker);
  if (second->function == Function::kNone ? !takes_clamps(node.op) : !takes_functions(node.op)) return;
  const auto activation = joined(node.activation, *second);
  if (!activation) return;
  node.activation = *activation;
  node.output = result;
  rewriter.remove(index);
  rewriter.set(maker, std::move(node));
}

}  // namespace

bool fuse_activations(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
