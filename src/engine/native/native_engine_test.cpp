#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/native/packed_file.hpp"
#include "engine/native/test_networks.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using graph::Node;
using graph::Op;
using graph::TensorId;
using graph::Window;
using test::check;
using test::Maker;
using test::run;
using test::same;
using test::test_seed;

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

TEST(NativeEngine, PoolsAsHighAsTheImage) {
  for (const Op op : {Op::kMaxPool, Op::kAveragePool}) {
    Maker maker(test_seed());
    maker.add({.op = op, .inputs = {maker.input(120, 2, 3)}, .window = {.kernel_height = 119, .kernel_width = 2}});
    check(maker, std::string(graph::op_name(op)));
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

TEST(NativeEngine, RefusesWhatNoMemoryHolds) {
  Maker maker(test_seed());
  const TensorId image = maker.input(1000, 1000, 3);
  maker.convolution(image, 3000, 1, {});
  ThreadPool pool(1);
  const auto engine = create_native_engine(maker.graph(), NetworkShape{}, pool, {}, "a large one");
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::kLimitExceeded);
  EXPECT_THAT(engine.error().message, ::testing::HasSubstr("'a large one' wants"));
}

TEST(NativeEngine, RefusesImagesOfTooManyLines) {
  Maker maker(test_seed());
  maker.convolution(maker.input(std::int64_t{1} << 23, 1, 1), 1, 1, {});
  ThreadPool pool(1);
  const auto engine = create_native_engine(maker.graph(), NetworkShape{}, pool, {}, "a tall one");
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::kLimitExceeded);
  EXPECT_THAT(engine.error().message, ::testing::HasSubstr("'a tall one' makes images of 8388608 × 1"));
}

TEST(NativeEngine, PackedWeightsAreKeptAndReplaced) {
  const test::ScratchFolder folder;
  const auto path = folder.path() / "packed" / "weights.bin";
  const auto load = [&](std::uint64_t seed, const std::string& key) {
    Maker maker(seed);
    maker.convolution(maker.convolution(maker.input(8, 8, 48), 32, 3, same(3)), 16, 1, {});
    const std::vector<float> input(8 * 8 * 48, 0.5F);
    return run(maker.graph(), input, {.kept = native::kept_in_file(path), .model_key = key}, 1);
  };
  const auto first = load(1, "a");
  ASSERT_TRUE(std::filesystem::exists(path));
  // Another model's weights under the same key: what comes back shows that the file was used.
  EXPECT_EQ(load(2, "a"), first);
  const auto other = load(2, "b");
  EXPECT_NE(other, first);
  EXPECT_EQ(load(1, "b"), other);
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_read) << "mapped files stay";
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 4);
  EXPECT_EQ(load(1, "b"), first);
  EXPECT_EQ(load(2, "b"), first);
}

}  // namespace
}  // namespace silhouette
