#include "graph/reference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;
using Values = std::vector<float>;

Values run(const Builder& b, const Values& input) {
  const auto sound = verify(b.graph);
  EXPECT_TRUE(sound) << sound.error().message;
  const auto result = evaluate(b.graph, input);
  EXPECT_TRUE(result);
  return result.value_or(Values{});
}

void expect_values(const Values& actual, const Values& expected) {
  EXPECT_THAT(actual, Pointwise(FloatNear(1e-6F), expected));
}

/// A weight for each tap and channel, as they are needed by hand.
TensorId constant(Builder& b, const Dims& dims, Values values) {
  return b.graph.add_constant(dims, std::move(values));
}

TEST(Reference, Unary) {
  const auto of = [](Op op, float x, float parameter = 0) {
    Builder b({1});
    b.add({.op = op, .inputs = {b.input()}, .parameter = parameter});
    return run(b, {x})[0];
  };
  EXPECT_EQ(of(Op::kAbs, -2.5F), 2.5F);
  EXPECT_EQ(of(Op::kCeiling, -2.5F), -2);
  EXPECT_EQ(of(Op::kFloor, -2.5F), -3);
  EXPECT_EQ(of(Op::kNegate, -2.5F), 2.5F);
  EXPECT_EQ(of(Op::kSquare, -2.5F), 6.25F);
  EXPECT_EQ(of(Op::kSquareRoot, 6.25F), 2.5F);
  EXPECT_EQ(of(Op::kReciprocalSquareRoot, 4), 0.5F);
  EXPECT_EQ(of(Op::kLeakyRelu, -2, 0.25F), -0.5F);
  EXPECT_EQ(of(Op::kLeakyRelu, 2, 0.25F), 2);
  EXPECT_EQ(of(Op::kHardswish, -4), 0);
  EXPECT_EQ(of(Op::kHardswish, 1), 4.0F / 6);
  EXPECT_EQ(of(Op::kHardswish, 5), 5);
  EXPECT_FLOAT_EQ(of(Op::kElu, -1, 2), 2 * (std::exp(-1.0F) - 1));
  EXPECT_EQ(of(Op::kElu, 3, 2), 3);
  EXPECT_FLOAT_EQ(of(Op::kExp, 1), 2.7182817F);
  EXPECT_FLOAT_EQ(of(Op::kLog, 10), 2.3025851F);
  EXPECT_FLOAT_EQ(of(Op::kGelu, 1), 0.84134475F);
  EXPECT_FLOAT_EQ(of(Op::kSigmoid, 1), 0.73105858F);
  EXPECT_FLOAT_EQ(of(Op::kTanh, 1), 0.76159416F);
}

TEST(Reference, Activations) {
  using Function = Activation::Function;
  EXPECT_EQ(activate({.function = Function::kHardsigmoid}, 1), 4.0F / 6);
  EXPECT_EQ(activate({.function = Function::kHardswish, .max = 2}, 7), 2);
  EXPECT_FLOAT_EQ(activate({.function = Function::kSigmoid}, -1), 0.26894142F);
  EXPECT_EQ(activate({.min = -1, .max = 1}, -7), -1);
  EXPECT_EQ(activate({}, -7), -7);
}

TEST(Reference, BinaryBroadcasts) {
  const auto of = [](Op op, const Dims& dims, const Values& second) {
    Builder b({2, 3});
    b.binary(op, b.input(), constant(b, dims, second));
    return run(b, {1, -2, 3, -4, 5, -6});
  };
  EXPECT_THAT(of(Op::kAdd, {3}, {10, 20, 30}), ElementsAre(11, 18, 33, 6, 25, 24));
  EXPECT_THAT(of(Op::kSubtract, {2, 1}, {1, 2}), ElementsAre(0, -3, 2, -6, 3, -8));
  EXPECT_THAT(of(Op::kMultiply, {1}, {2}), ElementsAre(2, -4, 6, -8, 10, -12));
  EXPECT_THAT(of(Op::kDivide, {}, {2}), ElementsAre(0.5, -1, 1.5, -2, 2.5, -3));
  EXPECT_THAT(of(Op::kMaximum, {1, 3}, {0, 0, 4}), ElementsAre(1, 0, 4, 0, 5, 4));
  EXPECT_THAT(of(Op::kMinimum, {1, 3}, {0, 0, 4}), ElementsAre(0, -2, 3, -4, 0, -6));
  EXPECT_THAT(of(Op::kPrelu, {3}, {0.5, 0.25, 2}), ElementsAre(1, -0.5, 3, -2, 5, -12));
  EXPECT_THAT(of(Op::kAdd, {2, 1, 1}, {0, 100}), ElementsAre(1, -2, 3, -4, 5, -6, 101, 98, 103, 96, 105, 94));
}

TEST(Reference, Convolution) {
  Builder b({1, 3, 3, 1});
  b.add({.op = Op::kConvolution,
         .inputs = {b.input(), constant(b, {1, 2, 2, 1}, {1, 10, 100, 1000}), constant(b, {1}, {0.5F})},
         .window = {
             .pad_top = 1, .pad_left = 0, .pad_bottom = 0, .pad_right = 1, .kernel_height = 2, .kernel_width = 2}});
  EXPECT_THAT(run(b, {1, 2, 3, 4, 5, 6, 7, 8, 9}),
              ElementsAre(2100.5, 3200.5, 300.5, 5421.5, 6532.5, 603.5, 8754.5, 9865.5, 906.5));
}

TEST(Reference, ConvolutionOfGroupsWithAddend) {
  Builder b({1, 1, 2, 4});
  const auto weights = constant(b, {2, 1, 1, 2}, {1, 10, 100, 1000});
  Window window;
  window.groups = 2;
  const auto plain = b.add({.op = Op::kConvolution, .inputs = {b.input(), weights}, .window = window});
  EXPECT_THAT(run(b, {1, 2, 3, 4, 5, 6, 7, 8}), ElementsAre(21, 4300, 65, 8700));
  const auto bias = constant(b, {2}, {1, 2});
  b.add({.op = Op::kConvolution,
         .inputs = {b.input(), weights, bias, plain},
         .activation = {.max = 5000},
         .window = window});
  EXPECT_THAT(run(b, {1, 2, 3, 4, 5, 6, 7, 8}), ElementsAre(43, 5000, 131, 5000));
  b.add({.op = Op::kConvolution,
         .inputs = {b.input(), weights, bias, constant(b, {1, 1, 1, 2}, {1000, 2000})},
         .window = window});
  EXPECT_THAT(run(b, {1, 2, 3, 4, 5, 6, 7, 8}), ElementsAre(1022, 6302, 1066, 10702));
}

TEST(Reference, ConvolutionStridesAndDilation) {
  Builder b({1, 1, 7, 1});
  b.add({.op = Op::kConvolution,
         .inputs = {b.input(), constant(b, {1, 1, 2, 1}, {1, 100})},
         .window = {.kernel_width = 2, .stride_width = 2, .dilation_width = 3}});
  EXPECT_THAT(run(b, {1, 2, 3, 4, 5, 6, 7}), ElementsAre(401, 603));
}

TEST(Reference, DepthwiseConvolution) {
  Builder b({1, 1, 3, 2});
  b.add({.op = Op::kDepthwiseConvolution,
         .inputs = {b.input(), constant(b, {1, 2, 4}, {1, 2, 3, 4, 10, 20, 30, 40}), constant(b, {4}, {0, 0, 0, 1})},
         .window = {.pad_left = 1, .kernel_width = 2}});
  EXPECT_THAT(run(b, {1, 2, 3, 4, 5, 6}), ElementsAre(10, 20, 60, 81, 31, 62, 126, 169, 53, 106, 192, 257));
}

TEST(Reference, TransposeConvolution) {
  Builder b({1, 1, 2, 1});
  const auto weights = constant(b, {1, 1, 3, 1}, {1, 10, 100});
  const auto bias = constant(b, {1}, {0.5F});
  b.add({.op = Op::kTransposeConvolution,
         .inputs = {b.input(), weights, bias},
         .window = {.kernel_width = 3, .stride_width = 2}});
  EXPECT_THAT(run(b, {1, 2}), ElementsAre(1.5, 10.5, 102.5, 20.5, 200.5));
  b.add({.op = Op::kTransposeConvolution,
         .inputs = {b.input(), weights},
         .window = {.pad_left = 1, .pad_right = -1, .kernel_width = 3, .stride_width = 2}});
  EXPECT_THAT(run(b, {1, 2}), ElementsAre(10, 102, 20, 200, 0));
}

TEST(Reference, TransposeConvolutionIsTheConvolutionsTranspose) {
  Builder b({1, 5, 6, 4});
  Window window = square(3, 1, 1, 2);
  window.groups = 2;
  const auto weights = b.constant({6, 3, 3, 2});
  b.add({.op = Op::kTransposeConvolution, .inputs = {b.input(), weights}, .window = window});
  const Dims dims = b.dims(b.graph.output);
  EXPECT_EQ(dims, (Dims{1, 9, 11, 6}));
  // <T x, y> = <x, C y>, where C's weights are T's with inputs and outputs of each group exchanged.
  Builder c(dims);
  const auto given = b.graph.tensors[weights].constant.values;
  Values exchanged(given.size());
  for (std::size_t g = 0; g < 2; ++g) {
    for (std::size_t o = 0; o < 3; ++o) {
      for (std::size_t t = 0; t < 9; ++t) {
        for (std::size_t i = 0; i < 2; ++i)
          exchanged[((g * 2 + i) * 9 + t) * 3 + o] = given[((g * 3 + o) * 9 + t) * 2 + i];
      }
    }
  }
  c.add({.op = Op::kConvolution, .inputs = {c.input(), constant(c, {4, 3, 3, 3}, exchanged)}, .window = window});
  const auto x = b.values(5 * 6 * 4);
  const auto y = b.values(9 * 11 * 6);
  const auto tx = run(b, x);
  const auto cy = run(c, y);
  ASSERT_EQ(cy.size(), x.size());
  EXPECT_NEAR(std::inner_product(tx.begin(), tx.end(), y.begin(), 0.0),
              std::inner_product(x.begin(), x.end(), cy.begin(), 0.0), 1e-3);
}

TEST(Reference, Pools) {
  for (const Op op : {Op::kAveragePool, Op::kMaxPool}) {
    Builder b({1, 2, 3, 1});
    b.add({.op = op, .inputs = {b.input()}, .window = square(2, 1, 1, 2)});
    const auto result = run(b, {-1, -2, -3, -4, -5, -6});
    if (op == Op::kMaxPool) {
      EXPECT_THAT(result, ElementsAre(-1, -2, -4, -5));
    } else {
      EXPECT_THAT(result, ElementsAre(-1, -2.5, -4, -5.5));
    }
  }
}

TEST(Reference, ResizesByEachConvention) {
  const auto of = [](Corners corners, std::int64_t width) {
    Builder b({1, 1, 4, 1});
    b.resize(b.input(), 1, width, corners);
    return run(b, {0, 10, 20, 40});
  };
  expect_values(of(Corners::kHalfPixel, 8), {0, 2.5, 7.5, 12.5, 17.5, 25, 35, 40});
  expect_values(of(Corners::kAligned, 7), {0, 5, 10, 15, 20, 30, 40});
  expect_values(of(Corners::kAsymmetric, 8), {0, 5, 10, 15, 20, 30, 40, 40});
  expect_values(of(Corners::kHalfPixel, 2), {5, 30});
  expect_values(of(Corners::kAligned, 1), {0});
  Builder b({1, 2, 2, 1});
  b.resize(b.input(), 3, 3, Corners::kAligned);
  expect_values(run(b, {0, 4, 8, 20}), {0, 2, 4, 4, 8, 12, 8, 14, 20});
}

TEST(Reference, Movements) {
  const Values input{1, 2, 3, 4, 5, 6};
  Builder transpose({1, 2, 3});
  transpose.transpose(transpose.input(), {2, 0, 1});
  EXPECT_THAT(run(transpose, input), ElementsAre(1, 4, 2, 5, 3, 6));
  Builder slice({2, 3});
  slice.add({.op = Op::kSlice, .inputs = {slice.input()}, .before = {0, 1}}, {2, 2});
  EXPECT_THAT(run(slice, input), ElementsAre(2, 3, 5, 6));
  Builder pad({2, 3});
  pad.pad(pad.input(), {1, 0}, {0, 1}, 9);
  EXPECT_THAT(run(pad, input), ElementsAre(9, 9, 9, 9, 1, 2, 3, 9, 4, 5, 6, 9));
  Builder expand({2, 1, 3});
  expand.expand(expand.input(), {2, 2, 3});
  EXPECT_THAT(run(expand, input), ElementsAre(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6));
  Builder concatenate({2, 3});
  concatenate.concatenate({concatenate.input(), constant(concatenate, {2, 1}, {7, 8})}, 1);
  EXPECT_THAT(run(concatenate, input), ElementsAre(1, 2, 3, 7, 4, 5, 6, 8));
  Builder copy({2, 3});
  copy.clamp(copy.copy(copy.input(), {6}), 2, 5);
  EXPECT_THAT(run(copy, input), ElementsAre(2, 2, 3, 4, 5, 5));
}

TEST(Reference, Reductions) {
  Builder average({1, 2, 2, 2});
  average.global_average(average.input());
  EXPECT_THAT(run(average, {1, 10, 2, 20, 3, 30, 6, 60}), ElementsAre(3, 30));
  Builder softmax({2, 2});
  softmax.unary(Op::kSoftmax, softmax.input());
  expect_values(run(softmax, {1000, 1000, 0, std::log(3.0F)}), {0.5, 0.5, 0.25, 0.75});
  Builder layer({2, 3});
  layer.add(
      {.op = Op::kFullyConnected,
       .inputs = {layer.input(), constant(layer, {2, 3}, {1, 10, 100, 0, 0, 1}), constant(layer, {2}, {0, 0.5F})}});
  EXPECT_THAT(run(layer, {1, 2, 3, 4, 5, 6}), ElementsAre(321, 3.5, 654, 6.5));
}

TEST(Reference, WantsTheRightNumberOfValues) {
  Builder b({2, 2});
  b.unary(Op::kAbs, b.input());
  const auto result = evaluate(b.graph, Values{1, 2, 3});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(result.error().message, ::testing::HasSubstr("4 values, not 3"));
}

}  // namespace
}  // namespace silhouette::graph
