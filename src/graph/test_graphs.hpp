#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "graph/graph.hpp"
#include "graph/reference.hpp"
#include "support/support.hpp"

namespace silhouette::graph::test {

using Dims = std::vector<std::int64_t>;

/// test_seed(), printed once a test.
inline std::uint64_t seed() {
  static const ::testing::TestInfo* told = nullptr;
  static std::uint64_t value = 0;
  const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  if (std::exchange(told, test) != test) value = silhouette::test::test_seed();
  return value;
}

/// Builds a graph step by step; the result of the last step is its output. Weights are random.
class Builder {
 public:
  explicit Builder(Dims input, std::uint64_t seed_value = seed()) : random_(seed_value) {
    graph.input = graph.output = graph.add_tensor(std::move(input));
  }

  /// In [first, last].
  std::int64_t pick(std::int64_t first, std::int64_t last) {
    return std::uniform_int_distribution<std::int64_t>(first, last)(random_);
  }

  std::vector<float> values(std::int64_t number, float low = -1, float high = 1) {
    std::uniform_real_distribution<float> distribution(low, high);
    std::vector<float> result(static_cast<std::size_t>(number));
    for (float& value : result) value = distribution(random_);
    return result;
  }

  TensorId constant(const Dims& dims, float low = -1, float high = 1) {
    return graph.add_constant(dims, values(count(dims), low, high));
  }
  TensorId number(float value) { return graph.add_constant({1}, {value}); }

  TensorId input() const { return graph.input; }
  const Dims& dims(TensorId id) const { return graph.tensors[id].dims; }

  /// A step whose result's dimensions follow from its operands, or are `declared`.
  TensorId add(Node node, Dims declared = {}) {
    node.output = graph.add_tensor(std::move(declared));
    const auto made = result_dims(graph, node);
    EXPECT_TRUE(made) << made.error().message;
    if (made) graph.tensors[node.output].dims = *made;
    graph.nodes.push_back(std::move(node));
    return graph.output = graph.nodes.back().output;
  }
  TensorId unary(Op op, TensorId a, Activation activation = {}) {
    return add({.op = op, .inputs = {a}, .activation = activation});
  }
  TensorId clamp(TensorId a, float min, float max) { return unary(Op::kClamp, a, {.min = min, .max = max}); }
  TensorId binary(Op op, TensorId a, TensorId b) { return add({.op = op, .inputs = {a, b}}); }
  TensorId transpose(TensorId a, Dims order) {
    return add({.op = Op::kTranspose, .inputs = {a}, .order = std::move(order)});
  }
  TensorId copy(TensorId a, Dims to) { return add({.op = Op::kCopy, .inputs = {a}}, std::move(to)); }
  TensorId expand(TensorId a, Dims to) { return add({.op = Op::kExpand, .inputs = {a}}, std::move(to)); }
  TensorId resize(TensorId a, std::int64_t height, std::int64_t width, Corners corners = Corners::kHalfPixel) {
    return add({.op = Op::kResizeBilinear, .inputs = {a}, .corners = corners}, {1, height, width, dims(a)[3]});
  }
  TensorId concatenate(std::vector<TensorId> parts, std::int64_t axis = 3) {
    return add({.op = Op::kConcatenate, .inputs = std::move(parts), .axis = axis});
  }
  TensorId pad(TensorId a, Dims before, Dims after, float value = 0) {
    return add(
        {.op = Op::kPad, .inputs = {a}, .parameter = value, .before = std::move(before), .after = std::move(after)});
  }
  TensorId global_average(TensorId a) { return add({.op = Op::kGlobalAverage, .inputs = {a}}, {1, 1, 1, dims(a)[3]}); }
  TensorId convolution(TensorId a, std::int64_t outputs, Window window = {}, bool bias = true) {
    Node node{.op = Op::kConvolution, .inputs = {a}, .window = window};
    node.inputs.push_back(constant({outputs, window.kernel_height, window.kernel_width, dims(a)[3] / window.groups}));
    if (bias) node.inputs.push_back(constant({outputs}));
    return add(std::move(node));
  }
  TensorId depthwise(TensorId a, Window window, std::int64_t multiplier = 1) {
    const std::int64_t outputs = dims(a)[3] * multiplier;
    const TensorId weights = constant({window.kernel_height, window.kernel_width, outputs});
    return add({.op = Op::kDepthwiseConvolution, .inputs = {a, weights, constant({outputs})}, .window = window});
  }

  Graph graph;

 private:
  std::mt19937_64 random_;
};

inline Window square(std::int64_t kernel, std::int64_t pad = 0, std::int64_t dilation = 1, std::int64_t stride = 1) {
  return {.pad_top = pad,
          .pad_left = pad,
          .pad_bottom = pad,
          .pad_right = pad,
          .kernel_height = kernel,
          .kernel_width = kernel,
          .stride_height = stride,
          .stride_width = stride,
          .dilation_height = dilation,
          .dilation_width = dilation};
}

/// Nodes of one operation.
inline std::ptrdiff_t number_of(const Graph& graph, Op op) {
  return std::ranges::count(graph.nodes, op, &Node::op);
}

/// Both are sound and give the same for one random input, but for rounding.
inline void expect_same(const Graph& before, const Graph& after) {
  const auto sound = verify(after);
  ASSERT_TRUE(sound) << sound.error().message << '\n' << describe(after);
  std::mt19937_64 random(seed());
  std::uniform_real_distribution<float> distribution(-4, 4);
  std::vector<float> input(static_cast<std::size_t>(count(before.tensors[before.input].dims)));
  for (float& value : input) value = distribution(random);
  const auto expected = evaluate(before, input);
  const auto actual = evaluate(after, input);
  ASSERT_TRUE(expected && actual);
  ASSERT_EQ(before.tensors[before.output].dims, after.tensors[after.output].dims);
  const auto [low, high] = std::ranges::minmax(*expected);
  const float tolerance = 1e-5F * std::max({1.0F, std::abs(low), std::abs(high)});
  for (std::size_t i = 0; i < expected->size(); ++i)
    ASSERT_NEAR((*actual)[i], (*expected)[i], tolerance) << i << '\n' << describe(before) << describe(after);
}

/// What a pass makes of a graph, which must be the same function; it must change it, and settle.
inline Graph changed(const Graph& before, bool (*pass)(Graph&)) {
  Graph after = before;
  EXPECT_TRUE(pass(after)) << describe(before);
  expect_same(before, after);
  EXPECT_FALSE(pass(after)) << describe(after);
  return after;
}

inline void expect_unchanged(const Graph& before, bool (*pass)(Graph&)) {
  Graph after = before;
  EXPECT_FALSE(pass(after)) << describe(before) << describe(after);
}

}  // namespace silhouette::graph::test
