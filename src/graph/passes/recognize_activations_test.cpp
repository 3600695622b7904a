#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

/// x + 3 limited to [0, 6].
TensorId shifted(Builder& b, TensorId x, bool number_first) {
  const auto sum = number_first ? b.binary(Op::kAdd, b.number(3), x) : b.binary(Op::kAdd, x, b.number(3));
  b.graph.nodes.back().activation = {.min = 0, .max = 6};
  return sum;
}

TensorId sixth(Builder& b, TensorId x, bool divides) {
  return divides ? b.binary(Op::kDivide, x, b.number(6)) : b.binary(Op::kMultiply, b.number(1.0F / 6), x);
}

TEST(RecognizeActivations, Hardsigmoid) {
  for (const bool way : {false, true}) {
    Builder b({1, 4, 4, 3});
    sixth(b, shifted(b, b.input(), way), way);
    Graph after = changed(b.graph, recognize_activations);
    drop_dead(after);
    ASSERT_EQ(after.nodes.size(), 1U);
    EXPECT_EQ(after.nodes[0].activation.function, Activation::Function::kHardsigmoid);
  }
}

TEST(RecognizeActivations, HardswishEitherWay) {
  for (const bool way : {false, true}) {
    for (const bool divides_last : {false, true}) {
      Builder b({1, 4, 4, 3});
      const auto x = b.unary(Op::kNegate, b.input());
      auto y = shifted(b, x, way);
      if (!divides_last) y = sixth(b, y, way);
      y = way ? b.binary(Op::kMultiply, x, y) : b.binary(Op::kMultiply, y, x);
      if (divides_last) sixth(b, y, way);
      Graph after = changed(b.graph, recognize_activations);
      drop_dead(after);
      ASSERT_EQ(after.nodes.size(), 2U) << describe(after);
      EXPECT_EQ(after.nodes[1].op, Op::kHardswish);
    }
  }
}

TEST(RecognizeActivations, NotWithOtherNumbers) {
  for (const float shift : {2.0F, 3.0F}) {
    Builder b({1, 4, 4, 3});
    const auto x = b.binary(Op::kAdd, b.input(), b.number(shift));
    b.graph.nodes.back().activation = {.min = 0, .max = shift == 3 ? 5.0F : 6.0F};
    sixth(b, x, true);
    expect_unchanged(b.graph, recognize_activations);
  }
  Builder b({1, 4, 4, 3});
  b.binary(Op::kDivide, shifted(b, b.input(), true), b.number(5));
  expect_unchanged(b.graph, recognize_activations);
}

TEST(RecognizeActivations, NotOfAnotherImage) {
  Builder b({1, 4, 4, 3});
  const auto gate = sixth(b, shifted(b, b.unary(Op::kAbs, b.input()), true), true);
  b.binary(Op::kMultiply, gate, b.input());
  const auto after = changed(b.graph, recognize_activations);
  EXPECT_EQ(number_of(after, Op::kHardswish), 0);
}

}  // namespace
}  // namespace silhouette::graph
