#include <algorithm>
#include <cmath>
#include <optional>

#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

/// Dimension of the weights that counts the results' channels; nothing for what has no weights.
std::optional<std::size_t> channel_dim(Op op) {
  switch (op) {
    case Op::kConvolution:
    case Op::kFullyConnected:
    case Op::kTransposeConvolution: return 0;
    case Op::kDepthwiseConvolution: return 2;
    default: return std::nullopt;
  }
}

/// A constant's value for each of so many channels; empty if it isn't one a channel.
std::vector<float> per_channel(const Tensor& tensor, std::int64_t channels) {
  const auto values = tensor.constant.values;
  if (values.size() == 1) return std::vector<float>(static_cast<std::size_t>(channels), values[0]);
  if (std::cmp_not_equal(values.size(), channels) || tensor.dims.back() != channels) return {};
  return {values.begin(), values.end()};
}

TensorId scaled_weights(Rewriter& rewriter, const Node& node, const std::vector<float>& factors) {
  const Tensor& weights = rewriter.tensor(node.inputs[1]);
  std::vector<float> values(weights.constant.values.begin(), weights.constant.values.end());
  const std::size_t inner = *channel_dim(node.op) == 0 ? values.size() / factors.size() : 1;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factors[i / inner % factors.size()];
  return rewriter.add_constant(std::vector<std::int64_t>(weights.dims), std::move(values));
}

void visit(Rewriter& rewriter, std::size_t index) {
  const Node arithmetic = rewriter.node(index);
  if (arithmetic.op != Op::kAdd && arithmetic.op != Op::kSubtract && arithmetic.op != Op::kMultiply &&
      arithmetic.op != Op::kDivide)
    return;
  const bool commutes = arithmetic.op == Op::kAdd || arithmetic.op == Op::kMultiply;
  const std::size_t operand = commutes && rewriter.tensor(arithmetic.inputs[0]).is_constant() ? 1 : 0;
  const TensorId made = arithmetic.inputs[operand];
  const TensorId other = arithmetic.inputs[1 - operand];
  const std::size_t maker = rewriter.maker(made);
  if (maker == Rewriter::kNobody || !rewriter.is_used_once(made) || !rewriter.tensor(other).is_constant() ||
      rewriter.dims(made) != rewriter.dims(arithmetic.output))
    return;
  Node node = rewriter.node(maker);
  if (!channel_dim(node.op) || !node.activation.is_identity() || node.inputs.size() > 3) return;
  const std::int64_t channels = rewriter.dims(made).back();
  auto numbers = per_channel(rewriter.tensor(other), channels);
  if (numbers.empty()) return;

  std::vector<float> bias(static_cast<std::size_t>(channels));
  if (node.inputs.size() > 2) {
    const auto given = rewriter.tensor(node.inputs[2]).constant.values;
    bias.assign(given.begin(), given.end());
  }
  const bool scales = arithmetic.op == Op::kMultiply || arithmetic.op == Op::kDivide;
  if (scales) {
    if (arithmetic.op == Op::kDivide) {
      for (float& number : numbers) number = 1 / number;
      if (!std::ranges::all_of(numbers, [](float number) { return std::isfinite(number); })) return;
    }
    node.inputs[1] = scaled_weights(rewriter, node, numbers);
  }
  for (std::size_t c = 0; c < bias.size(); ++c) {
    if (scales)
      bias[c] *= numbers[c];
    else
      bias[c] += arithmetic.op == Op::kAdd ? numbers[c] : -numbers[c];
  }
  node.inputs.resize(2);
  node.inputs.push_back(rewriter.add_constant({channels}, std::move(bias)));
  node.activation = arithmetic.activation;
  node.output = arithmetic.output;
  rewriter.remove(index);
  rewriter.set(maker, std::move(node));
}

}  // namespace

bool fold_scales(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
