#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(JoinTransposes, MakesOneOfTwo) {
  for (const Dims& first : {Dims{0, 3, 1, 2}, Dims{3, 1, 0, 2}, Dims{1, 2, 3, 0}}) {
    for (const Dims& second : {Dims{0, 2, 3, 1}, Dims{2, 0, 1, 3}}) {
      Builder b({2, 3, 4, 5});
      b.transpose(b.transpose(b.input(), first), second);
      EXPECT_EQ(changed(b.graph, join_transposes).nodes.size(), 1U);
    }
  }
}

TEST(JoinTransposes, DropsTwoThatCancel) {
  Builder b({2, 3, 4});
  const auto x = b.unary(Op::kAbs, b.input());
  b.unary(Op::kSquare, b.transpose(b.transpose(x, {2, 0, 1}), {1, 2, 0}));
  EXPECT_EQ(changed(b.graph, join_transposes).nodes.size(), 2U);
}

TEST(JoinTransposes, KeepsOneThatComputes) {
  Builder b({2, 3, 4});
  const auto x = b.transpose(b.input(), {2, 0, 1});
  b.graph.nodes.back().activation.min = 0;
  b.transpose(x, {1, 2, 0});
  expect_unchanged(b.graph, join_transposes);
}

}  // namespace
}  // namespace silhouette::graph
