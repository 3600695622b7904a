#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "engine/native/test_networks.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using graph::Op;
using graph::TensorId;
using graph::Window;
using test::check;
using test::Maker;
using test::same;
using test::test_seed;

TEST(NativeConvolution, PointwiseConvolutions) {
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

TEST(NativeConvolution, Convolutions) {
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

TEST(NativeConvolution, WinogradConvolutions) {
  const auto seed = test_seed();
  for (const std::int64_t dilation : {1, 2, 4, 12}) {
    for (const std::int64_t side : {4, 5, 6, 7, 9, 12, 14, 24, 28, 30, 36}) {
      Maker maker(seed);
      const TensorId image = maker.input(side, 27, 96);
      const TensorId first = maker.convolution(image, 96, 3, same(3, 1, dilation), {.min = 0});
      maker.convolution(first, 80, 3, same(3, 1, dilation), {.max = 1}, maker.convolution(image, 80, 1, {}));
      check(maker, fmt::format("side {} d{}", side, dilation), 1e-4);
    }
  }
}

TEST(NativeConvolution, StrassenProducts) {
  const auto seed = test_seed();
  for (const auto& [height, width, in, out] : std::vector<std::array<std::int64_t, 4>>{
           {12, 12, 512, 256}, {11, 12, 528, 320}, {16, 15, 1056, 256}, {15, 10, 2048, 512}}) {
    Maker maker(seed);
    const TensorId image = maker.input(height, width, in);
    const TensorId first = maker.convolution(image, out, 1, {}, {.min = 0});
    const TensorId second = maker.convolution(image, out, 1, {}, {.max = 1}, first);
    const TensorId row = maker.convolution(maker.add({.op = Op::kGlobalAverage, .inputs = {second}}), out, 1, {});
    maker.convolution(image, out, 1, {}, {}, row);
    check(maker, fmt::format("{}x{}x{} -> {}", height, width, in, out), 1e-4);
  }
}

TEST(NativeConvolution, AddendsAndActivations) {
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

TEST(NativeConvolution, GroupedConvolutions) {
  for (const auto& [groups, in, out] : std::vector<std::array<std::int64_t, 3>>{{2, 32, 64}, {3, 48, 48}, {3, 9, 12}}) {
    Maker maker(test_seed());
    Window window = same(3);
    window.groups = groups;
    maker.convolution(maker.input(6, 8, in), out, 3, window);
    check(maker, fmt::format("{} groups {} -> {}", groups, in, out));
  }
}

/// Groups that share blocks of channels with others, more than the image has lanes or fewer.
TEST(NativeConvolution, RandomGroupedConvolutions) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int i = 0; i < 60; ++i) {
    Maker maker(seed + static_cast<std::uint64_t>(i));
    const std::int64_t groups = 3 * pick(1, i % 3 == 0 ? 24 : 3);
    const std::int64_t in = groups * pick(1, i % 2 == 0 ? 5 : 30);
    const std::int64_t out = groups * pick(1, i % 4 == 0 ? 5 : 40);
    const std::int64_t kernel = pick(1, 3);
    const std::int64_t dilation = i % 5 == 0 ? 6 : 1;
    Window window = same(kernel, pick(1, 2), dilation);
    window.groups = groups;
    const TensorId image = maker.input(pick(kernel, 9), pick(kernel, 14), in);
    TensorId result = maker.convolution(image, out, kernel, window, {.min = -0.5F});
    if (i % 3 == 1) {
      const TensorId row = maker.convolution(maker.add({.op = Op::kGlobalAverage, .inputs = {image}}), out, 1, {});
      result = maker.convolution(image, out, kernel, window, {}, i % 2 == 0 ? result : row);
    }
    if (i % 2 == 0) maker.convolution(result, 4, 1, {});
    check(maker, fmt::format("number {}: {} groups {} -> {} k{} s{} d{}", i, groups, in, out, kernel,
                             window.stride_width, dilation));
  }
}

TEST(NativeConvolution, GroupedTransposeConvolutions) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int i = 0; i < 30; ++i) {
    Maker maker(seed + static_cast<std::uint64_t>(i));
    const std::int64_t groups = 3 * pick(1, 12);
    const std::int64_t depth = pick(1, i % 3 == 0 ? 32 : 4);
    const std::int64_t out = groups * (i % 4 == 0 ? 16 : pick(1, 6));
    const std::int64_t kernel = pick(1, 4);
    const Window window{.pad_top = pick(0, kernel - 1),
                        .pad_bottom = 0,
                        .kernel_height = kernel,
                        .kernel_width = kernel,
                        .stride_height = pick(1, 3),
                        .stride_width = pick(1, 3),
                        .groups = groups};
    maker.add({.op = Op::kTransposeConvolution,
               .inputs = {maker.input(pick(2, 6), pick(1, 9), groups * depth),
                          maker.constant({out, kernel, kernel, depth}, 0.3F), maker.constant({out})},
               .window = window});
    check(maker, fmt::format("number {}: {} groups {} -> {} k{}", i, groups, groups * depth, out, kernel));
  }
}

TEST(NativeConvolution, DepthwiseConvolutionsThatMultiplyChannels) {
  const auto seed = test_seed();
  for (const std::int64_t channels : {1, 3, 15, 16, 24}) {
    for (const std::int64_t times : {2, 3, 8, 19}) {
      Maker maker(seed);
      const TensorId image = maker.convolution(maker.input(7, 9, 3), channels, 1, {});
      Window window = same(3, times == 3 ? 2 : 1);
      window.kernel_height = window.kernel_width = 3;
      const std::int64_t out = channels * times;
      maker.add({.op = Op::kDepthwiseConvolution,
                 .inputs = {image, maker.constant({3, 3, out}), maker.constant({out})},
                 .activation = {.max = 1},
                 .window = window});
      check(maker, fmt::format("{} times {}", channels, times));
    }
  }
}

TEST(NativeConvolution, DepthwiseConvolutions) {
  const auto seed = test_seed();
  for (const std::int64_t kernel : {3, 5}) {
    for (const std::int64_t stride : {1, 2, 3}) {
      for (const std::int64_t dilation : {1, 2}) {
        for (const std::int64_t width : {1, 2, 5, 12, 29}) {
          Maker maker(seed);
          const TensorId image = maker.input(9, width, 21);
          maker.depthwise(image, kernel, kernel, same(kernel, stride, dilation), {.min = 0, .max = 6});
          check(maker, fmt::format("k{} s{} d{} width {}", kernel, stride, dilation, width));
        }
      }
    }
  }
}

TEST(NativeConvolution, ConvolutionsBeforeDepthwiseOnes) {
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
    window.pad_right = 0;
    if (c.width == 1) window.pad_right = 1;
    maker.depthwise(middle, c.kernel, c.kernel, window, {.min = 0, .max = 6});
    check(maker,
          fmt::format("{}x{}x{} -> {} k{} s{} d{}", c.height, c.width, c.in, c.middle, c.kernel, c.stride, c.dilation));
  }
}

TEST(NativeConvolution, RandomConvolutionsBeforeDepthwiseOnes) {
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
    maker.depthwise(between, window.kernel_height, window.kernel_width, window);
    check(maker, fmt::format("number {}: {}x{}, kernel {}x{}, stride {}x{}, dilation {}x{}, pads {} {} {} {}", i,
                             height, width, window.kernel_height, window.kernel_width, window.stride_height,
                             window.stride_width, window.dilation_height, window.dilation_width, window.pad_top,
                             window.pad_left, window.pad_bottom, window.pad_right));
  }
}

TEST(NativeConvolution, RandomConvolutions) {
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
    if (i % 5 == 0) maker.depthwise(result, 1, 1, {});
    check(maker,
          fmt::format("number {}: {}x{}x{} -> {}, kernel {}, stride {}x{}, dilation {}x{}, pads {} {} {} {}", i, height,
                      width, in, channels, kernel, window.stride_height, window.stride_width, window.dilation_height,
                      window.dilation_width, window.pad_top, window.pad_left, window.pad_bottom, window.pad_right));
  }
}

/// Sizes that a small file could ask for without having the data.
TEST(NativeConvolution, RefusesOrSurvivesHugeWindows) {
  const auto seed = test_seed();
  for (const int kind : {0, 1, 2, 3, 4}) {
    Maker maker(seed);
    if (kind == 3) {
      // A product for each line and each few groups.
      Window window{.pad_top = 1, .pad_bottom = 1, .groups = 3000};
      maker.convolution(maker.input(3000, 1, 3000), 3000, 1, window);
    } else if (kind == 4) {
      maker.add(
          {.op = Op::kTransposeConvolution,
           .inputs = {maker.input(1, 1, 900), maker.constant({900, 1, 1, 1})},
           .window = {.pad_bottom = -900, .pad_right = -9, .stride_height = 901, .stride_width = 10, .groups = 900}});
    } else if (kind == 0) {
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
    check(maker, fmt::format("kind {}", kind), 2e-5, /*may_be_plain=*/true);
  }
}

TEST(NativeConvolution, TransposeConvolutions) {
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
                                         {9, 7, 20, 1, 2, 2, 1, 0, 0},
                                         {5, 6, 33, 2, 3, 3, 1, 0, 0},
                                         {3, 4, 16, 1, 5, 5, 1, 0, 0},
                                         {3, 4, 16, 2, 2, 2, 1, 0, -1},
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

TEST(NativeConvolution, FullyConnectedLayersOfImages) {
  Maker maker(test_seed());
  const TensorId image = maker.convolution(maker.input(4, 5, 3), 21, 3, same(3));
  const TensorId layer = maker.add({.op = Op::kFullyConnected, .inputs = {image, maker.constant({18, 21}, 0.3F)}});
  maker.convolution(layer, 7, 1, {});
  check(maker, "fully connected, then a convolution");
}

TEST(NativeConvolution, FullyConnectedLayers) {
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

}  // namespace
}  // namespace silhouette
