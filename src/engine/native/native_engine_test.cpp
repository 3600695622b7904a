#include "engine/native/native_engine.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "graph/reference.hpp"
#include "kernels/isa.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using graph::Graph;
using graph::Node;
using graph::Op;
using graph::TensorId;
using graph::Window;
using test::test_seed;

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

Window same(std::int64_t kernel, std::int64_t stride = 1, std::int64_t dilation = 1) {
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
std::vector<float> run(const Graph& graph, std::span<const float> input, const NativeOptions& options, int threads) {
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

/// All that this machine has; what AVX-512 would do is tested in other instructions where there is none.
std::vector<const kernels::Kernels*> tested_kernels() {
  const auto list = kernels::available_kernels();
  std::vector<const kernels::Kernels*> result(list.begin(), list.end());
  if (result.front()->block < kernels::kAvx512ForAnyMachine.block) result.push_back(&kernels::kAvx512ForAnyMachine);
  return result;
}

/// Runs a network on every instruction set, with 1 and 3 threads, both memory modes, and compares with the plain
/// interpreter. The tolerance: sums of n rounded products err by some √n ulp; Winograd's by some ten times that.
void check(Maker& maker, const std::string& what, double tolerance = 2e-5) {
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
  const auto [low, high] = std::ranges::minmax(*expected);
  const double range = std::max(1.0, static_cast<double>(high - low));
  for (const auto* kernels : tested_kernels()) {
    for (const bool low_memory : {false, true}) {
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

TEST(NativeEngine, PointwiseConvolutions) {
  const auto seed = test_seed();
  for (const auto& [height, width, in, out] : std::vector<std::array<std::int64_t, 4>>{{1, 1, 3, 1},
                                                                                       {1, 3, 24, 40},
                                                                                       {7, 9, 16, 21},
                                                                                       {13, 12, 33, 24},
                                                                                       {28, 28, 96, 160},
                                                                                       {5, 6, 300, 520},
                                                                                       {3, 1, 8, 8}}) {
    Maker maker(seed);
    maker.convolution(maker.input(height, width, in), out, 1, {});
    check(maker, fmt::format("{}x{}x{} -> {}", height, width, in, out));
  }
}

TEST(NativeEngine, Convolutions) {
  const auto seed = test_seed();
  struct Case {
    std::int64_t height, width, in, out, kernel, stride, dilation;
  };
  for (const auto& c : std::vector<Case>{{9, 11, 3, 16, 3, 2, 1},
                                         {32, 30, 3, 24, 7, 2, 1},
                                         {6, 5, 3, 5, 3, 1, 1},
                                         {12, 9, 16, 24, 3, 2, 1},
                                         {14, 15, 20, 30, 5, 1, 1},
                                         {10, 12, 24, 17, 3, 1, 3},
                                         {15, 10, 12, 33, 1, 2, 1},
                                         {9, 9, 9, 9, 3, 1, 6},
                                         {28, 3, 48, 40, 3, 1, 12}}) {
    Maker maker(seed);
    maker.convolution(maker.input(c.height, c.width, c.in), c.out, c.kernel, same(c.kernel, c.stride, c.dilation));
    check(maker,
          fmt::format("{}x{}x{} -> {} k{} s{} d{}", c.height, c.width, c.in, c.out, c.kernel, c.stride, c.dilation));
  }
}

TEST(NativeEngine, WinogradConvolutions) {
  const auto seed = test_seed();
  for (const std::int64_t dilation : {1, 2, 4, 12}) {
    for (const std::int64_t side : {4, 5, 6, 7, 9, 14, 24, 28, 30}) {
      Maker maker(seed);
      const TensorId image = maker.input(side, 27, 96);
      const TensorId first = maker.convolution(image, 96, 3, same(3, 1, dilation), {.min = 0});
      maker.convolution(first, 80, 3, same(3, 1, dilation), {.max = 1}, maker.convolution(image, 80, 1, {}));
      check(maker, fmt::format("side {} d{}", side, dilation), 1e-4);
    }
  }
}

TEST(NativeEngine, StrassenProducts) {
  const auto seed = test_seed();
  for (const auto& [height, width, in, out] : std::vector<std::array<std::int64_t, 4>>{
           {12, 12, 512, 256}, {11, 12, 528, 320}, {16, 15, 1056, 256}, {15, 10, 2048, 512}}) {
    Maker maker(seed);
    const TensorId image = maker.input(height, width, in);
    const TensorId first = maker.convolution(image, out, 1, {}, {.min = 0});
    maker.convolution(image, out, 1, {}, {.max = 1}, first);
    check(maker, fmt::format("{}x{}x{} -> {}", height, width, in, out), 1e-4);
  }
}

TEST(NativeEngine, AddendsAndActivations) {
  const auto seed = test_seed();
  using Function = graph::Activation::Function;
  for (const auto function : {Function::kNone, Function::kHardswish, Function::kHardsigmoid, Function::kSigmoid}) {
    Maker maker(seed);
    const TensorId image = maker.input(6, 7, 15);
    const TensorId a = maker.convolution(image, 30, 1, {}, {.function = function, .min = -0.4F, .max = 0.6F});
    const TensorId pixel = maker.add({.op = Op::kGlobalAverage, .inputs = {a}});
    const TensorId row = maker.convolution(pixel, 20, 1, {});
    const TensorId b = maker.convolution(image, 20, 1, {}, {.min = 0}, row);
    maker.convolution(a, 20, 3, same(3), {.function = function}, b);
    check(maker, fmt::format("function {}", static_cast<int>(function)));
  }
}

TEST(NativeEngine, GroupedConvolutions) {
  for (const auto& [groups, in, out] : std::vector<std::array<std::int64_t, 3>>{{2, 32, 64}, {3, 48, 48}, {3, 9, 12}}) {
    Maker maker(test_seed());
    Window window = same(3);
    window.groups = groups;
    maker.convolution(maker.input(6, 8, in), out, 3, window);
    check(maker, fmt::format("{} groups {} -> {}", groups, in, out));
  }
}

TEST(NativeEngine, DepthwiseConvolutions) {
  const auto seed = test_seed();
  for (const std::int64_t kernel : {3, 5}) {
    for (const std::int64_t stride : {1, 2, 3}) {
      for (const std::int64_t dilation : {1, 2}) {
        for (const std::int64_t width : {1, 2, 5, 12, 29}) {
          Maker maker(seed);
          const TensorId image = maker.input(9, width, 21);
          maker.add({.op = Op::kDepthwiseConvolution,
                     .inputs = {image, maker.constant({kernel, kernel, 21}), maker.constant({21})},
                     .activation = {.min = 0, .max = 6},
                     .window = [&] {
                       Window window = same(kernel, stride, dilation);
                       window.kernel_height = window.kernel_width = kernel;
                       return window;
                     }()});
          check(maker, fmt::format("k{} s{} d{} width {}", kernel, stride, dilation, width));
        }
      }
    }
  }
}

TEST(NativeEngine, ConvolutionsBeforeDepthwiseOnes) {
  const auto seed = test_seed();
  struct Case {
    std::int64_t height, width, in, middle, kernel, stride, dilation;
    bool is_first = false;  ///< 3×3 on a network's input
  };
  for (const auto& c : std::vector<Case>{{14, 14, 24, 40, 5, 1, 2},
                                         {3, 2, 15, 9, 3, 1, 1},
                                         {6, 1, 6, 33, 3, 2, 1},
                                         {130, 30, 18, 56, 3, 1, 1},
                                         {131, 33, 12, 21, 3, 2, 1},
                                         {200, 12, 9, 70, 3, 1, 2},
                                         {97, 100, 3, 17, 5, 2, 1},
                                         {64, 1500, 3, 8, 3, 1, 1},
                                         {40, 3000, 3, 8, 3, 1, 1},
                                         {300, 9, 21, 16, 3, 3, 1},
                                         {150, 66, 3, 32, 3, 1, 1, true},
                                         {9, 20, 3, 12, 3, 2, 1, true}}) {
    Maker maker(seed);
    const TensorId image = maker.input(c.height, c.width, c.in);
    const TensorId middle = c.is_first ? maker.convolution(image, c.middle, 3, same(3, 2), {.max = 0.9F})
                                       : maker.convolution(image, c.middle, 1, {}, {.min = -0.1F});
    Window window = same(c.kernel, c.stride, c.dilation);
    window.kernel_height = window.kernel_width = c.kernel;
    window.pad_right = 0;
    if (c.width == 1) window.pad_right = 1;
    maker.add({.op = Op::kDepthwiseConvolution,
               .inputs = {middle, maker.constant({c.kernel, c.kernel, c.middle}), maker.constant({c.middle})},
               .activation = {.min = 0, .max = 6},
               .window = window});
    check(maker,
          fmt::format("{}x{}x{} -> {} k{} s{} d{}", c.height, c.width, c.in, c.middle, c.kernel, c.stride, c.dilation));
  }
}

TEST(NativeEngine, RandomConvolutionsBeforeDepthwiseOnes) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int i = 0; i < 40; ++i) {
    Maker maker(seed + static_cast<std::uint64_t>(i));
    const std::int64_t height = pick(1, i % 4 == 0 ? 150 : 30);
    const std::int64_t width = pick(1, 40);
    const std::int64_t middle = pick(1, 50);
    Window window;
    window.kernel_height = pick(1, std::min<std::int64_t>(5, height));
    window.kernel_width = pick(1, std::min<std::int64_t>(5, width));
    window.dilation_height = pick(1, window.kernel_height > 1 ? (height - 1) / (window.kernel_height - 1) : 1);
    window.dilation_width = pick(1, window.kernel_width > 1 ? (width - 1) / (window.kernel_width - 1) : 1);
    window.dilation_height = std::min<std::int64_t>(window.dilation_height, 3);
    window.dilation_width = std::min<std::int64_t>(window.dilation_width, 3);
    window.stride_height = pick(1, 3);
    window.stride_width = pick(1, 3);
    window.pad_top = pick(0, (window.kernel_height - 1) * window.dilation_height);
    window.pad_bottom = pick(0, (window.kernel_height - 1) * window.dilation_height);
    window.pad_left = pick(0, (window.kernel_width - 1) * window.dilation_width);
    window.pad_right = pick(0, (window.kernel_width - 1) * window.dilation_width);
    const TensorId image = maker.input(height, width, 3 * pick(1, 12));
    const TensorId between = maker.convolution(image, middle, 1, {}, {.max = 0.7F});
    maker.add({.op = Op::kDepthwiseConvolution,
               .inputs = {between, maker.constant({window.kernel_height, window.kernel_width, middle}),
                          maker.constant({middle})},
               .window = window});
    check(maker, fmt::format("number {}: {}x{}, kernel {}x{}, stride {}x{}, dilation {}x{}, pads {} {} {} {}", i,
                             height, width, window.kernel_height, window.kernel_width, window.stride_height,
                             window.stride_width, window.dilation_height, window.dilation_width, window.pad_top,
                             window.pad_left, window.pad_bottom, window.pad_right));
  }
}

TEST(NativeEngine, RandomConvolutions) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int i = 0; i < 120; ++i) {
    Maker maker(seed + static_cast<std::uint64_t>(i));
    Window window{.pad_top = pick(0, 4), .pad_left = pick(0, 4), .pad_bottom = pick(0, 4), .pad_right = pick(0, 4)};
    if (i % 3 == 0) window = {};
    const std::int64_t kernel = pick(1, 4);
    window.stride_height = pick(1, 5);
    window.stride_width = pick(1, 5);
    window.dilation_height = i % 2 == 0 ? 1 : pick(1, 3);
    window.dilation_width = i % 2 == 0 ? 1 : pick(1, 3);
    const std::int64_t reach = 3 * (kernel - 1) + 1;
    const std::int64_t height = pick(reach, reach + 20);
    const std::int64_t width = pick(reach, reach + 20);
    const std::int64_t in = i % 4 < 2 ? 3 : 3 * pick(1, 7);
    const TensorId image = maker.input(height, width, in);
    const TensorId result = maker.convolution(image, pick(1, 40), kernel, window, {.min = -0.5F});
    const std::int64_t channels = maker.graph().tensors[result].dims[3];
    if (i % 5 == 0) {
      maker.add({.op = Op::kDepthwiseConvolution,
                 .inputs = {result, maker.constant({1, 1, channels}), maker.constant({channels})}});
    }
    check(maker,
          fmt::format("number {}: {}x{}x{} -> {}, kernel {}, stride {}x{}, dilation {}x{}, pads {} {} {} {}", i, height,
                      width, in, channels, kernel, window.stride_height, window.stride_width, window.dilation_height,
                      window.dilation_width, window.pad_top, window.pad_left, window.pad_bottom, window.pad_right));
  }
}

/// Sizes that a small file could ask for without having the data.
TEST(NativeEngine, RefusesOrSurvivesHugeWindows) {
  const auto seed = test_seed();
  for (const int kind : {0, 1, 2}) {
    Maker maker(seed);
    if (kind == 0) {
      maker.convolution(maker.input(3, 3, 3), 5, 2,
                        {.pad_top = 16384,
                         .pad_left = 16384,
                         .pad_bottom = 16384,
                         .pad_right = 16384,
                         .stride_height = 16384,
                         .stride_width = 16384});
    } else if (kind == 1) {
      maker.convolution(maker.input(2, 1500, 3), 9, 2, {.stride_height = 1, .stride_width = 1499});
    } else {
      maker.add({.op = Op::kTransposeConvolution,
                 .inputs = {maker.input(1, 1, 3), maker.constant({2, 1, 1, 3})},
                 .window = {.pad_bottom = -1500, .pad_right = -1500, .stride_height = 1600, .stride_width = 1600}});
    }
    check(maker, fmt::format("kind {}", kind));
  }
}

TEST(NativeEngine, TransposeConvolutions) {
  const auto seed = test_seed();
  struct Case {
    std::int64_t height, width, in, out, kernel, stride, dilation, pad, more;
  };
  for (const auto& c : std::vector<Case>{{8, 6, 16, 8, 2, 2, 1, 0, 0},
                                         {7, 9, 21, 20, 3, 2, 1, 1, 0},
                                         {5, 6, 40, 17, 4, 2, 1, 1, 0},
                                         {6, 4, 12, 33, 3, 2, 1, 1, 1},
                                         {4, 3, 9, 5, 3, 1, 1, 1, 0},
                                         {6, 5, 24, 16, 3, 3, 2, 0, 0},
                                         {3, 1, 8, 8, 5, 4, 1, 2, 0},
                                         {2, 3, 6, 9, 2, 3, 1, 0, 2},
                                         {30, 20, 64, 48, 2, 2, 1, 0, 0}}) {
    Maker maker(seed);
    const Window window{.pad_top = c.pad,
                        .pad_left = c.pad,
                        .pad_bottom = c.pad - c.more,
                        .pad_right = c.pad - c.more,
                        .kernel_height = c.kernel,
                        .kernel_width = c.kernel,
                        .stride_height = c.stride,
                        .stride_width = c.stride,
                        .dilation_height = c.dilation,
                        .dilation_width = c.dilation};
    maker.add({.op = Op::kTransposeConvolution,
               .inputs = {maker.input(c.height, c.width, c.in), maker.constant({c.out, c.kernel, c.kernel, c.in}, 0.2F),
                          maker.constant({c.out})},
               .activation = {.max = 0.9F},
               .window = window});
    check(maker, fmt::format("{}x{}x{} -> {} k{} s{} d{} pad {}", c.height, c.width, c.in, c.out, c.kernel, c.stride,
                             c.dilation, c.pad));
  }
}

TEST(NativeEngine, FullyConnectedLayers) {
  const auto seed = test_seed();
  for (const auto& [rows, in, out] :
       std::vector<std::array<std::int64_t, 3>>{{1, 3, 1}, {1, 300, 41}, {3, 21, 16}, {25, 33, 30}, {2, 600, 9}}) {
    Maker maker(seed);
    const TensorId image = maker.input(rows, 1, in);
    const TensorId flat = maker.reshape(image, {rows, in});
    const TensorId first = maker.add({.op = Op::kFullyConnected,
                                      .inputs = {flat, maker.constant({out, in}, 0.3F), maker.constant({out})},
                                      .activation = {.min = 0}});
    const TensorId second = maker.add({.op = Op::kFullyConnected, .inputs = {first, maker.constant({7, out}, 0.3F)}});
    maker.convolution(maker.reshape(second, {1, 1, 1, 7 * rows}), 5, 1, {});
    check(maker, fmt::format("{} x {} -> {}", rows, in, out));
  }
}

TEST(NativeEngine, Pools) {
  const auto seed = test_seed();
  for (const Op op : {Op::kMaxPool, Op::kAveragePool}) {
    for (const std::int64_t stride : {1, 2}) {
      Maker maker(seed);
      Window window = same(3, stride);
      window.kernel_height = window.kernel_width = 3;
      maker.add({.op = op, .inputs = {maker.input(9, 12, 20)}, .window = window});
      check(maker, fmt::format("{} s{}", graph::op_name(op), stride));
    }
  }
}

TEST(NativeEngine, Arithmetic) {
  const auto seed = test_seed();
  for (const Op op : {Op::kAdd, Op::kSubtract, Op::kMultiply, Op::kDivide, Op::kMaximum, Op::kMinimum, Op::kPrelu}) {
    for (const int kind : {0, 1, 2, 3}) {
      Maker maker(seed);
      const TensorId image = maker.input(5, 6, 19);
      TensorId other = maker.convolution(image, 19, 1, {}, {.min = 0.5F, .max = 2});
      if (kind == 1) other = maker.add({.op = Op::kGlobalAverage, .inputs = {other}});
      if (kind == 2) other = maker.graph().add_constant({1}, {1.5F});
      if (kind == 3) other = maker.constant({1, 1, 1, 19});
      if (kind == 3 && op == Op::kDivide) continue;
      const TensorId result = maker.add({.op = op, .inputs = {image, other}, .activation = {.min = -0.5F}});
      maker.convolution(result, 8, 1, {});
      check(maker, fmt::format("{} kind {}", graph::op_name(op), kind));
    }
  }
}

TEST(NativeEngine, Functions) {
  const auto seed = test_seed();
  for (const Op op : {Op::kClamp, Op::kAbs, Op::kHardswish, Op::kLeakyRelu, Op::kNegate, Op::kSigmoid, Op::kSquare,
                      Op::kElu, Op::kExp, Op::kTanh, Op::kFloor}) {
    Maker maker(seed);
    const TensorId image = maker.input(4, 5, 18);
    const TensorId large = maker.convolution(image, 18, 1, {}, {});
    const TensorId result = maker.add({.op = op, .inputs = {large}, .activation = {.max = 0.7F}, .parameter = 0.1F});
    if (op != Op::kFloor) maker.convolution(result, 9, 1, {});
    check(maker, std::string(graph::op_name(op)));
  }
}

TEST(NativeEngine, ResizesConcatenationsAndSoftmax) {
  const auto seed = test_seed();
  for (const auto corners : {graph::Corners::kHalfPixel, graph::Corners::kAligned, graph::Corners::kAsymmetric}) {
    for (const std::int64_t channels : {16, 21}) {
      Maker maker(seed);
      const TensorId image = maker.input(5, 6, channels * 3);
      const TensorId a = maker.convolution(image, channels, 1, {});
      const TensorId b = maker.convolution(image, 2 * channels, 3, same(3));
      const TensorId joined = maker.add({.op = Op::kConcatenate, .inputs = {a, b, image}, .axis = 3});
      // Two readers: one of the parts, one of the whole.
      const TensorId c = maker.convolution(joined, 11, 1, {});
      Node resize{.op = Op::kResizeBilinear, .inputs = {c}, .corners = corners};
      resize.output = maker.graph().add_tensor({1, 13, 9, 11});
      maker.graph().nodes.push_back(resize);
      maker.add({.op = Op::kSoftmax, .inputs = {resize.output}});
      check(maker, fmt::format("corners {} channels {}", static_cast<int>(corners), channels));
    }
  }
}

TEST(NativeEngine, PlanesInAndOut) {
  Maker maker(test_seed());
  maker.graph().input = maker.graph().add_tensor({1, 3, 20, 22});
  const TensorId image = maker.add({.op = Op::kTranspose, .inputs = {maker.graph().input}, .order = {0, 2, 3, 1}});
  const TensorId a = maker.convolution(image, 16, 3, same(3, 2), {.min = 0});
  const TensorId b = maker.convolution(a, 5, 1, {});
  maker.add({.op = Op::kTranspose, .inputs = {b}, .order = {0, 3, 1, 2}});
  check(maker, "planes");
}

TEST(NativeEngine, LastResizeCanBeLeftPending) {
  for (const bool planes : {false, true}) {
    for (const auto corners : {graph::Corners::kHalfPixel, graph::Corners::kAligned}) {
      Maker maker(test_seed());
      const TensorId image = maker.input(6, 7, 24);
      const TensorId small = maker.convolution(image, 5, 1, {});
      Node resize{.op = Op::kResizeBilinear, .inputs = {small}, .corners = corners};
      resize.output = maker.graph().output = maker.graph().add_tensor({1, 12, 21, 5});
      maker.graph().nodes.push_back(resize);
      if (planes) maker.add({.op = Op::kTranspose, .inputs = {resize.output}, .order = {0, 3, 1, 2}});
      check(maker, "whole");
      NetworkShape shape;
      shape.input_height = 6 * 7 * 8;
      shape.input_width = 1;
      shape.channels = 5;
      shape.output_height = 12;
      shape.output_width = 21;
      shape.output_nhwc = !planes;
      ThreadPool pool(2);
      auto engine = create_native_engine(maker.graph(), shape, pool, {}, "test");
      ASSERT_TRUE(engine);
      const std::vector<float> input(6 * 7 * 24, 0.25F);
      const auto whole = (*engine)->run(input, Tail::kWhole, {});
      const auto pending = (*engine)->run(input, Tail::kPending, {});
      ASSERT_TRUE(whole && pending);
      EXPECT_EQ(whole->height, 12);
      EXPECT_FALSE(whole->pending);
      ASSERT_TRUE(pending->pending);
      EXPECT_EQ(pending->height, 6);
      EXPECT_EQ(pending->width, 7);
      EXPECT_EQ(pending->values.size(), 5U * 6 * 7);
      EXPECT_EQ(pending->pending->height, 12);
      EXPECT_EQ(pending->pending->width, 21);
      EXPECT_EQ(pending->pending->aligned_corners, corners == graph::Corners::kAligned);
      // The same input everywhere makes the same logits everywhere, whatever their size.
      for (std::size_t c = 0; c < 5; ++c) {
        EXPECT_NEAR(pending->values.span()[c * 42 + 20], whole->values.span()[c * 252 + 130], 1e-5);
      }
    }
  }
}

TEST(NativeEngine, ConcurrentRunsAndCancelledOnes) {
  Maker maker(test_seed());
  const TensorId image = maker.input(24, 24, 48);
  TensorId last = image;
  for (int i = 0; i < 4; ++i) last = maker.convolution(last, 48, 3, same(3));
  ThreadPool pool(2);
  NetworkShape shape;
  shape.input_height = 24 * 24 * 16;
  shape.input_width = 1;
  shape.channels = 24 * 24 * 48;
  shape.output_height = shape.output_width = 1;
  auto engine = create_native_engine(maker.graph(), shape, pool, {}, "test");
  ASSERT_TRUE(engine);
  std::vector<float> input(24 * 24 * 48, 0.5F);
  const auto expected = (*engine)->run(input, Tail::kWhole, {});
  ASSERT_TRUE(expected);
  std::vector<std::jthread> threads;
  std::atomic<int> equal = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        const auto result = (*engine)->run(input, Tail::kWhole, {});
        if (result && std::ranges::equal(result->values.span(), expected->values.span())) ++equal;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(equal, 20);
  std::stop_source stop;
  stop.request_stop();
  const auto cancelled = (*engine)->run(input, Tail::kWhole, stop.get_token());
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
  const auto short_input = (*engine)->run(std::span(input).first(10), Tail::kWhole, {});
  ASSERT_FALSE(short_input);
  EXPECT_EQ(short_input.error().code, ErrorCode::kInvalidArgument);
}

TEST(NativeEngine, PackedWeightsAreKeptAndReplaced) {
  const test::ScratchFolder folder;
  const auto path = folder.path() / "packed" / "weights.bin";
  const auto load = [&](std::uint64_t seed, const std::string& key) {
    Maker maker(seed);
    maker.convolution(maker.convolution(maker.input(8, 8, 48), 32, 3, same(3)), 16, 1, {});
    const std::vector<float> input(8 * 8 * 48, 0.5F);
    return run(maker.graph(), input, {.packed_file = path, .model_key = key}, 1);
  };
  const auto first = load(1, "a");
  ASSERT_TRUE(std::filesystem::exists(path));
  // Another model's weights under the same key: what comes back shows that the file was used.
  EXPECT_EQ(load(2, "a"), first);
  const auto other = load(2, "b");
  EXPECT_NE(other, first);
  EXPECT_EQ(load(1, "b"), other);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 4);
  EXPECT_EQ(load(1, "b"), first);
  EXPECT_EQ(load(2, "b"), first);
}

}  // namespace
}  // namespace silhouette
