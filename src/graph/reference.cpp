#include "graph/reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <numeric>

#include "graph/operators.hpp"
#include "graph/reference_windows.hpp"

namespace silhouette::graph {
namespace {

using Dims = std::vector<std::int64_t>;

/// Calls `visit(i, place)` for each element i of an array of `dims`, in memory order, where place = Σ coordinate ×
/// stride.
template <typename Visit>
void walk(const Dims& dims, const Dims& strides, Visit visit) {
  Dims at(dims.size());
  std::int64_t place = 0;
  const std::int64_t total = count(dims);
  for (std::int64_t i = 0; i < total; ++i) {
    visit(static_cast<std::size_t>(i), static_cast<std::size_t>(place));
    for (std::size_t d = dims.size(); d-- > 0;) {
      place += strides[d];
      if (++at[d] < dims[d]) break;
      place -= at[d] * strides[d];
      at[d] = 0;
    }
  }
}

Dims dense_strides(const Dims& dims) {
  Dims strides(dims.size());
  std::int64_t stride = 1;
  for (std::size_t d = dims.size(); d-- > 0;) {
    strides[d] = stride;
    stride *= dims[d];
  }
  return strides;
}

/// Strides of `from` seen as an array of `to`: 0 along dimensions that it is repeated in.
Dims broadcast_strides(const Dims& from, const Dims& to) {
  const Dims dense = dense_strides(from);
  Dims strides(to.size());
  const std::size_t missing = to.size() - from.size();
  for (std::size_t d = 0; d < from.size(); ++d) strides[missing + d] = from[d] == 1 ? 0 : dense[d];
  return strides;
}

std::size_t offset_of(const Dims& position, const Dims& strides) {
  return static_cast<std::size_t>(
      std::inner_product(position.begin(), position.end(), strides.begin(), std::int64_t{0}));
}

class NodeEvaluation {
 public:
  NodeEvaluation(const Graph& graph, const Node& node, Operands operands)
      : graph_(graph),
        node_(node),
        operands_(operands),
        dims_(graph.tensors[node.output].dims),
        result_(static_cast<std::size_t>(count(dims_))) {}

  std::vector<float> run() {
    compute();
    if (!node_.activation.is_identity()) {
      for (float& value : result_) value = activate(node_.activation, value);
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] const Dims& in(std::size_t i) const { return graph_.tensors[node_.inputs[i]].dims; }

  void compute() {
    const Operator& op = properties(node_.op);
    if (op.kind == Kind::kUnary) {
      for (std::size_t i = 0; i < result_.size(); ++i) result_[i] = op.unary(operands_[0][i], node_.parameter);
      return;
    }
    if (op.kind == Kind::kBinary) return compute_binary(op.binary);
    switch (node_.op) {
      case Op::kConvolution: return reference_convolution(graph_, node_, operands_, result_);
      case Op::kDepthwiseConvolution: return reference_depthwise_convolution(graph_, node_, operands_, result_);
      case Op::kTransposeConvolution: return reference_transpose_convolution(graph_, node_, operands_, result_);
      case Op::kAveragePool:
      case Op::kMaxPool: return reference_pool(graph_, node_, operands_, result_);
      case Op::kResizeBilinear: return reference_resize(graph_, node_, operands_, result_);
      case Op::kConcatenate: return concatenate();
      case Op::kExpand: return gather(broadcast_strides(in(0), dims_), 0);
      case Op::kFullyConnected: return fully_connected();
      case Op::kGlobalAverage: return global_average();
      case Op::kPad: return pad();
      case Op::kSlice: return gather(dense_strides(in(0)), offset_of(node_.before, dense_strides(in(0))));
      case Op::kSoftmax: return softmax();
      case Op::kTranspose: return transpose();
      default: std::ranges::copy(operands_[0], result_.begin());
    }
  }

  void compute_binary(float (*definition)(float, float)) {
    std::vector<std::size_t> first(result_.size());
    walk(dims_, broadcast_strides(in(0), dims_), [&](std::size_t i, std::size_t place) { first[i] = place; });
    walk(dims_, broadcast_strides(in(1), dims_), [&](std::size_t i, std::size_t place) {
      result_[i] = definition(operands_[0][first[i]], operands_[1][place]);
    });
  }

  void gather(const Dims& strides, std::size_t start) {
    walk(dims_, strides, [&](std::size_t i, std::size_t place) { result_[i] = operands_[0][start + place]; });
  }

  void transpose() {
    const Dims dense = dense_strides(in(0));
    Dims strides;
    for (const std::int64_t dim : node_.order) strides.push_back(dense[static_cast<std::size_t>(dim)]);
    gather(strides, 0);
  }

  void pad() {
    std::ranges::fill(result_, node_.parameter);
    const Dims strides = dense_strides(dims_);
    const std::size_t start = offset_of(node_.before, strides);
    walk(in(0), strides, [&](std::size_t i, std::size_t place) { result_[start + place] = operands_[0][i]; });
  }

  void concatenate() {
    const Dims strides = dense_strides(dims_);
    Dims start(dims_.size());
    for (std::size_t n = 0; n < operands_.size(); ++n) {
      const std::size_t first = offset_of(start, strides);
      walk(in(n), strides, [&](std::size_t i, std::size_t place) { result_[first + place] = operands_[n][i]; });
      start[static_cast<std::size_t>(node_.axis)] += in(n)[static_cast<std::size_t>(node_.axis)];
    }
  }

  void fully_connected() {
    const auto depth = static_cast<std::size_t>(in(1)[1]);
    const auto outputs = static_cast<std::size_t>(in(1)[0]);
    for (std::size_t i = 0; i < result_.size(); ++i) {
      double sum = operands_.size() > 2 ? static_cast<double>(operands_[2][i % outputs]) : 0.0;
      for (std::size_t k = 0; k < depth; ++k)
        sum += static_cast<double>(operands_[0][i / outputs * depth + k]) *
               static_cast<double>(operands_[1][i % outputs * depth + k]);
      result_[i] = static_cast<float>(sum);
    }
  }

  void global_average() {
    std::vector<double> sums(result_.size());
    for (std::size_t i = 0; i < operands_[0].size(); ++i) sums[i % sums.size()] += static_cast<double>(operands_[0][i]);
    const std::size_t count = operands_[0].size() / sums.size();
    const auto pixels = static_cast<double>(count);
    for (std::size_t c = 0; c < sums.size(); ++c) result_[c] = static_cast<float>(sums[c] / pixels);
  }

  void softmax() {
    const auto depth = static_cast<std::size_t>(dims_.back());
    for (std::size_t row = 0; row < result_.size(); row += depth) {
      const auto values = operands_[0].subspan(row, depth);
      const auto largest = static_cast<double>(std::ranges::max(values));
      double sum = 0;
      for (const float value : values) sum += std::exp(static_cast<double>(value) - largest);
      for (std::size_t i = 0; i < depth; ++i)
        result_[row + i] = static_cast<float>(std::exp(static_cast<double>(values[i]) - largest) / sum);
    }
  }

  const Graph& graph_;
  const Node& node_;
  Operands operands_;
  const Dims& dims_;
  std::vector<float> result_;
};

std::vector<float> run(const Graph& graph, std::span<const float> input) {
  std::vector<std::size_t> last_use(graph.tensors.size());
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (const TensorId id : graph.nodes[n].inputs) last_use[id] = n;
  }
  last_use[graph.output] = graph.nodes.size();
  std::vector<std::vector<float>> made(graph.tensors.size());
  std::vector<std::span<const float>> values(graph.tensors.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = graph.tensors[i].constant.values;
  values[graph.input] = input;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    std::vector<std::span<const float>> operands;
    for (const TensorId id : node.inputs) operands.push_back(values[id]);
    made[node.output] = evaluate_node(graph, node, operands);
    values[node.output] = made[node.output];
    for (const TensorId id : node.inputs) {
      if (last_use[id] == n) made[id] = {};
    }
  }
  return {values[graph.output].begin(), values[graph.output].end()};
}

}  // namespace

float activate(const Activation& activation, float value) noexcept {
  const auto x = static_cast<double>(value);
  switch (activation.function) {
    case Activation::Function::kNone: break;
    case Activation::Function::kHardswish: value = static_cast<float>(x * std::clamp(x + 3, 0.0, 6.0) / 6); break;
    case Activation::Function::kHardsigmoid: value = static_cast<float>(std::clamp(x + 3, 0.0, 6.0) / 6); break;
    case Activation::Function::kSigmoid: value = static_cast<float>(1 / (1 + std::exp(-x))); break;
  }
  return std::clamp(value, activation.min, activation.max);
}

std::vector<float> evaluate_node(const Graph& graph, const Node& node,
                                 std::span<const std::span<const float>> operands) {
  return NodeEvaluation(graph, node, operands).run();
}

Result<std::vector<float>> evaluate(const Graph& graph, std::span<const float> input) {
  if (std::cmp_not_equal(input.size(), count(graph.tensors[graph.input].dims)))
    return fail(ErrorCode::kInvalidArgument, fmt::format("the network's input has {} values, not {}",
                                                         count(graph.tensors[graph.input].dims), input.size()));
  try {
    return run(graph, input);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kLimitExceeded, "no memory is left to run the network; take a smaller one");
  }
}

}  // namespace silhouette::graph
