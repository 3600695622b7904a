#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(SinkLayouts, MeetsTheLayoutThatCancels) {
  Builder b({1, 1, 1, 6});
  auto x = b.copy(b.unary(Op::kSquare, b.input()), {1, 6, 1, 1});
  x = b.binary(Op::kAdd, x, b.number(3));
  x = b.clamp(x, 0, 6);
  x = b.binary(Op::kDivide, b.number(6), x);
  b.unary(Op::kAbs, b.copy(x, {1, 1, 1, 6}));
  Graph after = changed(b.graph, sink_layouts);
  while (remove_copies(after) || drop_dead(after)) {
  }
  EXPECT_EQ(number_of(after, Op::kCopy), 0) << describe(after);
  expect_same(b.graph, after);
}

TEST(SinkLayouts, GoesBelowAVectorTimesAnImage) {
  for (const bool vector_first : {false, true}) {
    for (const Op op : {Op::kMultiply, Op::kSubtract}) {
      Builder b({1, 4, 5, 6});
      const auto squeeze = b.copy(b.global_average(b.input()), {1, 6, 1, 1});
      const auto image = b.transpose(b.unary(Op::kAbs, b.input()), {0, 3, 1, 2});
      const auto product = vector_first ? b.binary(op, squeeze, image) : b.binary(op, image, squeeze);
      b.transpose(product, {0, 2, 3, 1});
      Graph after = changed(b.graph, sink_layouts);
      while (join_transposes(after) || remove_copies(after) || drop_dead(after)) {
      }
      EXPECT_EQ(number_of(after, Op::kTranspose), 0) << describe(after);
      EXPECT_EQ(number_of(after, Op::kCopy), 0) << describe(after);
      expect_same(b.graph, after);
    }
  }
}

TEST(SinkLayouts, GoesBelowTwoImagesLaidOutAlike) {
  Builder b({1, 4, 5, 6});
  const auto first = b.transpose(b.unary(Op::kAbs, b.input()), {0, 3, 1, 2});
  const auto second = b.transpose(b.unary(Op::kSquare, b.input()), {0, 3, 1, 2});
  b.binary(Op::kAdd, first, second);
  Graph after = changed(b.graph, sink_layouts);
  drop_dead(after);
  EXPECT_EQ(number_of(after, Op::kTranspose), 1);
}

TEST(SinkLayouts, KeepsLayoutsThatOthersRead) {
  Builder b({2, 3, 4});
  const auto x = b.transpose(b.input(), {2, 0, 1});
  b.binary(Op::kAdd, b.unary(Op::kAbs, x), x);
  expect_unchanged(b.graph, sink_layouts);
  Builder pair({2, 3, 4});
  const auto shared = pair.transpose(pair.input(), {2, 0, 1});
  pair.concatenate({pair.binary(Op::kAdd, shared, pair.constant({1, 1, 3})), shared}, 0);
  expect_unchanged(pair.graph, sink_layouts);
}

TEST(SinkLayouts, KeepsDifferentLayouts) {
  Builder b({1, 4, 4, 4});
  b.binary(Op::kAdd, b.transpose(b.input(), {0, 3, 1, 2}), b.transpose(b.input(), {0, 2, 1, 3}));
  expect_unchanged(b.graph, sink_layouts);
}

}  // namespace
}  // namespace silhouette::graph
