#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "engine/native/test_networks.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using graph::Op;
using graph::TensorId;
using test::check;
using test::Maker;
using test::test_seed;
using Dims = std::vector<std::int64_t>;

constexpr std::array kBinary{Op::kAdd,     Op::kSubtract, Op::kMultiply, Op::kDivide,
                             Op::kMaximum, Op::kMinimum,  Op::kPrelu};

TEST(NativeElementwise, BroadcastImages) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int i = 0; i < 90; ++i) {
    Maker maker(seed + static_cast<std::uint64_t>(i));
    const Dims whole{1, 3 * pick(1, 3), pick(1, 40), pick(1, 40)};
    maker.graph().input = maker.graph().add_tensor(whole);
    TensorId large = maker.graph().input;
    // In blocks, in its own order, in planes.
    if (i % 3 == 0) large = maker.convolution(large, whole[3], 1, {});
    if (i % 3 == 2) {
      maker.graph().tensors[large].dims = {1, whole[3], whole[1], whole[2]};
      large = maker.add({.op = Op::kTranspose, .inputs = {large}, .order = {0, 2, 3, 1}});
    }
    Dims narrow = whole;
    for (std::size_t d = 1; d < narrow.size(); ++d) {
      if (pick(0, 1) == 1) narrow[d] = 1;
    }
    TensorId small = 0;
    if (pick(0, 2) > 0) {
      // Computed: a slice of the image; not near zero, which is divided by.
      graph::Node slice{.op = Op::kSlice, .inputs = {large}, .before = {0, 0, 0, 0}};
      slice.output = maker.graph().add_tensor(narrow);
      maker.graph().nodes.push_back(slice);
      small = maker.add({.op = Op::kExp, .inputs = {slice.output}});
    } else {
      narrow.erase(narrow.begin(), narrow.begin() + pick(0, 4));
      small = maker.constant(narrow);
      auto values = maker.graph().tensors[small].constant.values;
      std::vector<float> positive(values.begin(), values.end());
      for (float& value : positive) value = value < 0 ? value - 0.5F : value + 0.5F;
      small = maker.graph().add_constant(narrow, positive);
    }
    const Op op = kBinary.at(static_cast<std::size_t>(i) % kBinary.size());
    const bool is_first = pick(0, 1) == 1 && (op != Op::kDivide);
    const TensorId result = maker.add({.op = op,
                                       .inputs = is_first ? std::vector{small, large} : std::vector{large, small},
                                       .activation = {.function = i % 4 == 0 ? graph::Activation::Function::kSigmoid
                                                                             : graph::Activation::Function::kNone,
                                                      .min = -0.75F}});
    if (pick(0, 1) == 1) maker.convolution(result, 6, 1, {});
    check(maker, fmt::format("{}: {} of [{}] and [{}]", i, graph::op_name(op), fmt::join(whole, ", "),
                             fmt::join(narrow, ", ")));
  }
}

TEST(NativeElementwise, BroadcastArrays) {
  const auto seed = test_seed();
  std::mt19937_64 random(seed);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  for (int i = 0; i < 90; ++i) {
    Maker maker(seed + static_cast<std::uint64_t>(i));
    Dims a(static_cast<std::size_t>(pick(1, 6)));
    Dims b = a;
    for (std::size_t d = 0; d < a.size(); ++d) {
      a[d] = b[d] = pick(1, i % 9 == 0 ? 17 : 7);
      const std::int64_t who = pick(0, 3);
      if (who == 0 && d > 0) a[d] = 1;
      if (who == 1) b[d] = 1;
    }
    a[0] *= 3;
    b[0] = b[0] == 1 ? 1 : a[0];
    if (i % 4 == 0) b.erase(b.begin());
    maker.graph().input = maker.graph().add_tensor(a);
    const TensorId first = maker.graph().input;
    const TensorId second = maker.constant(b);
    const Op op = kBinary.at(static_cast<std::size_t>(i) % kBinary.size());
    if (op == Op::kDivide) {
      maker.add({.op = op, .inputs = {second, maker.add({.op = Op::kExp, .inputs = {first}})}});
    } else {
      maker.add({.op = op, .inputs = {first, second}, .activation = {.max = 0.5F}});
    }
    check(maker, fmt::format("{}: {} of [{}] and [{}]", i, graph::op_name(op), fmt::join(a, ", "), fmt::join(b, ", ")));
  }
}

TEST(NativeElementwise, PlanesBroadcastToMoreImages) {
  Maker maker(test_seed());
  maker.graph().input = maker.graph().add_tensor({1, 6, 5, 7});
  const TensorId image = maker.add({.op = Op::kTranspose, .inputs = {maker.graph().input}, .order = {0, 2, 3, 1}});
  maker.add({.op = Op::kAdd, .inputs = {image, maker.constant({2, 1, 7, 1})}});
  check(maker, "two images of planes");
}

/// Lanes that are no channels mustn't become infinite or worse: the next product would spread that.
TEST(NativeElementwise, FunctionsThatAreNotFiniteAtZero) {
  const auto seed = test_seed();
  for (const Op op : {Op::kLog, Op::kReciprocalSquareRoot, Op::kSquareRoot, Op::kExp}) {
    Maker maker(seed);
    const TensorId image = maker.convolution(maker.input(4, 5, 3), 18, 1, {});
    // Of lanes, too, which become less than zero.
    const TensorId lower =
        maker.add({.op = Op::kSubtract, .inputs = {image, maker.graph().add_constant({1}, {50.0F})}});
    const TensorId positive = maker.add({.op = Op::kMultiply, .inputs = {lower, maker.constant({1, 1, 1, 18}, 0.0F)}});
    const TensorId shifted = maker.add(
        {.op = Op::kAdd, .inputs = {positive, maker.graph().add_constant({18}, std::vector<float>(18, 2.5F))}});
    maker.convolution(maker.add({.op = op, .inputs = {shifted}}), 7, 1, {});
    check(maker, std::string(graph::op_name(op)));
  }
}

/// The values that one function makes of any others, by the kernel itself.
std::vector<float> apply(const kernels::Kernels& kernels, kernels::Unary op, const std::vector<float>& input) {
  std::vector<float> output(input.size());
  kernels.unary_values({.op = op,
                        .parameter = 1.5F,
                        .a = input.data(),
                        .output = output.data(),
                        .count = input.size(),
                        .epilogue = {.min = -INFINITY, .max = INFINITY}});
  return output;
}

TEST(NativeElementwise, FunctionsAreGoodToAFewUlp) {
  struct Case {
    Op op;
    kernels::Unary unary;
    double low, high;
  };
  using kernels::Unary;
  for (const auto& c : std::vector<Case>{{Op::kExp, Unary::kExp, -86, 88.7},
                                         {Op::kLog, Unary::kLog, 1e-40, 5},
                                         {Op::kLog, Unary::kLog, 1e-3, 1e30},
                                         {Op::kTanh, Unary::kTanh, -12, 12},
                                         {Op::kTanh, Unary::kTanh, -0.01, 0.01},
                                         {Op::kGelu, Unary::kGelu, -5, 12},
                                         {Op::kElu, Unary::kElu, -90, 3},
                                         {Op::kElu, Unary::kElu, -0.01, 0},
                                         {Op::kSquareRoot, Unary::kSquareRoot, 0, 1e20},
                                         {Op::kReciprocalSquareRoot, Unary::kReciprocalSquareRoot, 1e-20, 1e3},
                                         {Op::kFloor, Unary::kFloor, -3, 3},
                                         {Op::kFloor, Unary::kFloor, -3e9, 3e9},
                                         {Op::kCeiling, Unary::kCeiling, -3, 3}}) {
    // An odd number: the last ones are in no whole vector.
    constexpr int kCount = 100'003;
    graph::Graph graph;
    graph.input = graph.add_tensor({kCount});
    graph.output = graph.add_tensor({kCount});
    graph.nodes.push_back({.op = c.op, .inputs = {graph.input}, .output = graph.output, .parameter = 1.5F});
    std::vector<float> input;
    for (int i = 0; i < kCount; ++i) input.push_back(static_cast<float>(c.low + (c.high - c.low) * i / (kCount - 1)));
    const auto expected = graph::evaluate(graph, input);
    ASSERT_TRUE(expected);
    for (const auto* kernels : test::tested_kernels()) {
      const auto got = apply(*kernels, c.unary, input);
      double worst = 0;
      for (std::size_t i = 0; i < got.size(); ++i) {
        const double right = static_cast<double>((*expected)[i]);
        // Next to where a function is zero its error is that of a result as large as its operand's.
        const double scale = std::max(std::abs(right), c.op == Op::kLog ? 1e-1 : 1e-30);
        const double error = std::abs(static_cast<double>(got[i]) - right) / scale;
        worst = std::isnan(error) ? INFINITY : std::max(worst, error);
      }
      EXPECT_LE(worst, c.op == Op::kGelu ? 4e-6 : 1e-6) << kernels->name << ' ' << graph::op_name(c.op);
    }
  }
}

TEST(NativeElementwise, FunctionsOfExtremes) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kMost = std::numeric_limits<float>::max();
  using kernels::Unary;
  const std::vector<float> extremes{kInfinity, -kInfinity, kNan, 0.0F, kMost, -kMost, 1e-45F, -1.0F};
  const auto expect = [&](Unary op, const std::vector<float>& expected) {
    for (const auto* kernels : test::tested_kernels()) {
      // At the front of a vector and in what is left.
      for (const std::size_t first : {std::size_t{0}, std::size_t{29}}) {
        std::vector<float> input(first, 0.5F);
        input.insert(input.end(), extremes.begin(), extremes.end());
        const auto got = apply(*kernels, op, input);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          const float value = got[first + i];
          const bool same = std::isnan(expected[i]) ? std::isnan(value)
                            : std::isinf(expected[i])
                                ? value == expected[i]
                                : std::abs(value - expected[i]) <= 1e-6F * std::max(1.0F, std::abs(expected[i]));
          EXPECT_TRUE(same) << kernels->name << " function " << static_cast<int>(op) << " of " << extremes[i] << ": "
                            << value;
        }
      }
    }
  };
  expect(Unary::kExp, {kInfinity, 0, kNan, 1, kInfinity, 0, 1, 0.36787944F});
  expect(Unary::kLog, {kInfinity, kNan, kNan, -kInfinity, 88.722839F, kNan, -103.27893F, kNan});
  expect(Unary::kTanh, {1, -1, kNan, 0, 1, -1, 0, -0.76159416F});
  expect(Unary::kElu, {kInfinity, -1.5F, kNan, 0, kMost, -1.5F, 0, -0.94818084F});
  expect(Unary::kSquareRoot, {kInfinity, kNan, kNan, 0, 1.8446743e19F, kNan, 3.7433921e-23F, kNan});
  expect(Unary::kFloor, {kInfinity, -kInfinity, kNan, 0, kMost, -kMost, 0, -1});
  expect(Unary::kCeiling, {kInfinity, -kInfinity, kNan, 0, kMost, -kMost, 1, -1});
}

TEST(NativeElementwise, SoftmaxOfExtremes) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const auto* kernels : test::tested_kernels()) {
    const auto softmax = [&](const std::vector<float>& input, bool is_blocked) {
      const std::size_t blocks = (input.size() + kernels->block - 1) / kernels->block;
      auto from = AlignedBuffer<float>::create(blocks * kernels->block, "a test").value();
      auto to = AlignedBuffer<float>::create(blocks * kernels->block, "a test").value();
      std::ranges::fill(from.span(), 1e30F);
      std::ranges::copy(input, from.data());
      if (is_blocked) {
        kernels->softmax_pixels({.input = from.data(),
                                 .output = to.data(),
                                 .pixels = 1,
                                 .plane = kernels->block,
                                 .blocks = blocks,
                                 .channels = input.size() - (blocks - 1) * kernels->block});
      } else {
        kernels->softmax_values({.input = from.data(), .output = to.data(), .count = input.size()});
      }
      return std::vector<float>(to.data(), to.data() + input.size());
    };
    for (const bool is_blocked : {false, true}) {
      for (const std::size_t count : {std::size_t{3}, std::size_t{16}, std::size_t{41}}) {
        std::vector<float> values(count, -kInfinity);
        values[count - 1] = 3e38F;
        auto result = softmax(values, is_blocked);
        EXPECT_EQ(result[count - 1], 1) << kernels->name;
        EXPECT_EQ(result[0], 0) << kernels->name;
        values.assign(count, -3e38F);
        result = softmax(values, is_blocked);
        for (const float value : result) EXPECT_NEAR(value, 1 / static_cast<float>(count), 1e-6) << kernels->name;
        for (const float odd : {kNan, kInfinity}) {
          values[count / 2] = odd;
          EXPECT_TRUE(std::isnan(softmax(values, is_blocked)[count / 2])) << kernels->name;
        }
        values.assign(count, -kInfinity);
        EXPECT_TRUE(std::isnan(softmax(values, is_blocked)[0])) << kernels->name;
      }
    }
  }
}

}  // namespace
}  // namespace silhouette
