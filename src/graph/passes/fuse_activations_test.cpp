#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

using Function = Activation::Function;

TEST(FuseActivations, IntoWhatMakesTheOperand) {
  for (const Op op : {Op::kClamp, Op::kHardswish, Op::kSigmoid}) {
    Builder b({1, 6, 5, 4});
    const auto activation = op == Op::kClamp ? Activation{.min = -0.5F, .max = 0.75F} : Activation{};
    auto x = b.unary(op, b.convolution(b.input(), 8), activation);
    x = b.unary(op, b.depthwise(x, square(3, 1)), activation);
    x = b.unary(op, b.binary(Op::kAdd, x, b.constant({8})), activation);
    const Dims rows{30, 8};
    x = b.add({.op = Op::kFullyConnected, .inputs = {b.copy(x, rows), b.constant({3, 8})}});
    b.unary(op, x, activation);
    const auto after = changed(b.graph, fuse_activations);
    EXPECT_EQ(number_of(after, op), 0);
    EXPECT_EQ(after.nodes.size(), 5U);
  }
}

TEST(FuseActivations, ChainsClamps) {
  Builder b({1, 6, 5, 4});
  const auto x = b.clamp(b.clamp(b.unary(Op::kHardswish, b.convolution(b.input(), 4)), 0.25F, 9), -1, 1.5F);
  b.clamp(x, -3, 6);
  const auto after = changed(b.graph, fuse_activations);
  ASSERT_EQ(after.nodes.size(), 1U);
  EXPECT_EQ(after.nodes[0].activation, (Activation{.function = Function::kHardswish, .min = 0.25F, .max = 1.5F}));
}

TEST(FuseActivations, OfClampsThatDontMeet) {
  Builder b({1, 6, 5, 4});
  b.clamp(b.clamp(b.convolution(b.input(), 4), -2, -1), 3, 4);
  const auto after = changed(b.graph, fuse_activations);
  EXPECT_EQ(after.nodes[0].activation.min, 3);
  EXPECT_EQ(after.nodes[0].activation.max, 3);
}

TEST(FuseActivations, KeepsFunctionsOfWhatIsLimited) {
  Builder b({1, 6, 5, 4});
  b.unary(Op::kHardswish, b.clamp(b.convolution(b.input(), 4), 0, 1));
  const auto after = changed(b.graph, fuse_activations);
  EXPECT_EQ(after.nodes.size(), 2U);
}

TEST(FuseActivations, KeepsWhatOthersRead) {
  Builder b({1, 6, 5, 4});
  const auto x = b.convolution(b.input(), 4);
  b.binary(Op::kAdd, b.clamp(x, 0, 1), x);
  expect_unchanged(b.graph, fuse_activations);
}

TEST(FuseActivations, KeepsTheOutput) {
  Builder b({1, 6, 5, 4});
  const auto x = b.convolution(b.input(), 4);
  b.clamp(x, 0, 1);
  b.graph.output = x;
  expect_unchanged(b.graph, fuse_activations);
}

}  // namespace
}  // namespace silhouette::graph
