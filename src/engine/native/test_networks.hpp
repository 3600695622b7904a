// Small random networks, and what the native engine makes of them beside the plain interpreter.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/native/native_engine.hpp"
#include "engine/native/test_plans.hpp"
#include "graph/reference.hpp"
#include "kernels/isa.hpp"

namespace silhouette::test {

using graph::Graph;
using graph::Node;
using graph::Op;
using graph::TensorId;
using graph::Window;

/// Makes networks of one node or a few, with random weights.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}

  TensorId input(std::int64_t height, std::int64_t width, std::int64_t channels) {
    graph_.input = graph_.add_tensor({1, height, width, channels});
    return graph_.input;
  }

  TensorId constant(std::vector<std::int64_t> dims, float scale = 1.0F) {
    std::vector<float> values(static_cast<std::size_t>(graph::count(dims)));
    std::uniform_real_distribution<float> value(-scale, scale);
    for (float& v : values) v = value(random_);
    return graph_.add_constant(std::move(dims), std::move(values));
  }

  TensorId add(Node node) {
    node.output = graph_.add_tensor({});
    // Either of two shapes: this one is asked for.
    if (node.op == Op::kGlobalAverage) {
      graph_.tensors[node.output].dims = {1, 1, 1, graph_.tensors[node.inputs[0]].dims[3]};
    }
    auto dims = graph::result_dims(graph_, node);
    EXPECT_TRUE(dims) << dims.error().message;
    graph_.tensors[node.output].dims = *dims;
    graph_.output = node.output;
    graph_.nodes.push_back(std::move(node));
    return graph_.output;
  }

  TensorId convolution(TensorId image, std::int64_t outputs, std::int64_t kernel, Window window,
                       graph::Activation activation = {}, std::optional<TensorId> addend = {}) {
    const std::int64_t channels = graph_.tensors[image].dims[3] / window.groups;
    window.kernel_height = window.kernel_width = kernel;
    const float scale = std::sqrt(3.0F / static_cast<float>(channels * kernel * kernel));
    Node node{.op = Op::kConvolution,
              .inputs = {image, constant({outputs, kernel, kernel, channels}, scale), constant({outputs})},
              .activation = activation,
              .window = window};
    if (addend) node.inputs.push_back(*addend);
    return add(std::move(node));
  }

  TensorId depthwise(TensorId image, std::int64_t kernel_height, std::int64_t kernel_width, Window window,
                     graph::Activation activation = {}) {
    const std::int64_t channels = graph_.tensors[image].dims[3];
    window.kernel_height = kernel_height;
    window.kernel_width = kernel_width;
    return add({.op = Op::kDepthwiseConvolution,
                .inputs = {image, constant({kernel_height, kernel_width, channels}), constant({channels})},
                .activation = activation,
                .window = window});
  }

  TensorId reshape(TensorId from, std::vector<std::int64_t> dims) {
    graph_.output = graph_.add_tensor(std::move(dims));
    graph_.nodes.push_back({.op = Op::kCopy, .inputs = {from}, .output = graph_.output});
    return graph_.output;
  }

  Graph& graph() { return graph_; }
  std::mt19937_64& random() { return random_; }

 private:
  Graph graph_;
  std::mt19937_64 random_;
};

inline Window same(std::int64_t kernel, std::int64_t stride = 1, std::int64_t dilation = 1) {
  const std::int64_t pad = dilation * (kernel - 1) / 2;
  return {.pad_top = pad,
          .pad_left = pad,
          .pad_bottom = pad,
          .pad_right = pad,
          .stride_height = stride,
          .stride_width = stride,
          .dilation_height = dilation,
          .dilation_width = dilation};
}

/// Three channels in and planes out are what the engine's interface has; the graphs between are made to fit.
inline std::vector<float> run(const Graph& graph, std::span<const float> input, const NativeOptions& options,
                              int threads) {
  ThreadPool pool(threads);
  const auto& out = graph.tensors[graph.output].dims;
  NetworkShape shape;
  shape.input_height = static_cast<int>(input.size()) / 3;
  shape.input_width = 1;
  shape.channels = static_cast<int>(graph::count(out));
  shape.output_height = shape.output_width = 1;
  auto engine = create_native_engine(graph, shape, pool, options, "test");
  EXPECT_TRUE(engine) << engine.error().message;
  auto result = (*engine)->run(input, Tail::kWhole, {});
  EXPECT_TRUE(result) << result.error().message;
  return {result->values.span().begin(), result->values.span().end()};
}

/// What the steps are called that the engine takes, with two threads.
inline std::vector<std::string> step_names(const Graph& graph, std::span<const float> input,
                                           const NativeOptions& options = {}) {
  ThreadPool pool(2);
  NetworkShape shape;
  shape.input_height = static_cast<int>(input.size()) / 3;
  shape.input_width = 1;
  shape.channels = static_cast<int>(graph::count(graph.tensors[graph.output].dims));
  shape.output_height = shape.output_width = 1;
  auto engine = create_native_engine(graph, shape, pool, options, "test");
  EXPECT_TRUE(engine) << engine.error().message;
  const auto steps = (*engine)->profile(input, {});
  EXPECT_TRUE(steps) << steps.error().message;
  std::vector<std::string> names;
  for (const EngineStep& step : *steps) names.push_back(step.name);
  return names;
}

/// All that this machine has; what AVX-512 would do is tested in other instructions where there is none.
inline std::vector<const kernels::Kernels*> tested_kernels() {
  const auto list = kernels::available_kernels();
  std::vector<const kernels::Kernels*> result(list.begin(), list.end());
  if (result.front()->block < kernels::kAvx512ForAnyMachine.block) result.push_back(&kernels::kAvx512ForAnyMachine);
  return result;
}

/// Runs a network on every instruction set, with 1 and 3 threads, both memory modes, and compares with the plain
/// interpreter, which mustn't have made any of it unless it may. The tolerance: sums of n rounded products err by some
/// √n ulp; Winograd's by some ten times that.
inline void check(Maker& maker, const std::string& what, double tolerance = 2e-5, bool may_be_plain = false) {
  SCOPED_TRACE(what);
  Graph& graph = maker.graph();
  // The engine takes three channels: as many as fit, the rest is cut off by the test's own input sizes.
  const auto count = static_cast<std::size_t>(graph::count(graph.tensors[graph.input].dims));
  ASSERT_EQ(count % 3, 0U);
  std::vector<float> input(count);
  std::uniform_real_distribution<float> value(-1, 1);
  for (float& v : input) v = value(maker.random());
  ASSERT_TRUE(graph::verify(graph));
  const auto expected = graph::evaluate(graph, input);
  ASSERT_TRUE(expected);
  const auto names = step_names(graph, input);
  const auto is_plain = [](const std::string& name) { return name.starts_with("plain"); };
  EXPECT_TRUE(may_be_plain || std::ranges::none_of(names, is_plain)) << ::testing::PrintToString(names);
  const auto [low, high] = std::ranges::minmax(*expected);
  const double range = std::max(1.0, static_cast<double>(high - low));
  for (const auto* kernels : tested_kernels()) {
    for (const bool low_memory : {false, true}) {
      const Planned planned(graph, {.kernels = kernels, .threads = 3, .low_memory = low_memory});
      EXPECT_EQ(untrue_lists(planned.build, input, expected->size()), std::vector<std::string>()) << kernels->name;
      const auto one = run(graph, input, {.kernels = kernels, .low_memory = low_memory}, 1);
      ASSERT_EQ(one.size(), expected->size());
      double worst = 0;
      for (std::size_t i = 0; i < one.size(); ++i) {
        const double error = std::abs(static_cast<double>(one[i]) - static_cast<double>((*expected)[i]));
        worst = std::isnan(error) ? INFINITY : std::max(worst, error);
      }
      EXPECT_LE(worst, tolerance * range) << kernels->name << (low_memory ? " low" : "");
      EXPECT_EQ(run(graph, input, {.kernels = kernels, .low_memory = low_memory}, 3), one) << kernels->name;
    }
  }
}

}  // namespace silhouette::test
