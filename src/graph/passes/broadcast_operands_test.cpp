#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(BroadcastOperands, NeedsNoExpansion) {
  Builder b({1, 5, 4, 3});
  const auto pixel = b.global_average(b.input());
  auto x = b.binary(Op::kMultiply, b.input(), b.resize(pixel, 5, 4));
  x = b.binary(Op::kAdd, b.expand(pixel, {1, 5, 4, 3}), x);
  Graph after = changed(b.graph, broadcast_operands);
  drop_dead(after);
  EXPECT_EQ(after.nodes.size(), 3U) << describe(after);
}

TEST(BroadcastOperands, KeepsTheExpansionThatMakesTheShape) {
  Builder b({1, 1, 1, 3});
  const auto x = b.expand(b.input(), {1, 5, 4, 3});
  b.binary(Op::kMultiply, x, b.constant({3}));
  expect_unchanged(b.graph, broadcast_operands);
}

}  // namespace
}  // namespace silhouette::graph
