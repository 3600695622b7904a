#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(FlattenConcatenations, MakesOne) {
  Builder b({1, 3, 4, 2});
  const auto inner = b.concatenate({b.unary(Op::kAbs, b.input()), b.input()});
  const auto outer = b.concatenate({b.input(), inner, b.unary(Op::kSquare, b.input())});
  b.concatenate({outer, b.input()});
  const auto after = changed(b.graph, flatten_concatenations);
  EXPECT_EQ(number_of(after, Op::kConcatenate), 1);
}

TEST(FlattenConcatenations, KeepsOtherAxesAndWhatOthersRead) {
  Builder axes({1, 3, 4, 2});
  axes.concatenate(
      {axes.concatenate({axes.input(), axes.input()}, 1), axes.concatenate({axes.input(), axes.input()}, 1)});
  expect_unchanged(axes.graph, flatten_concatenations);
  Builder shared({1, 3, 4, 2});
  const auto inner = shared.concatenate({shared.input(), shared.input()});
  shared.binary(Op::kAdd, shared.concatenate({inner, inner}), shared.constant({8}));
  expect_unchanged(shared.graph, flatten_concatenations);
}

}  // namespace
}  // namespace silhouette::graph
