#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(FoldConstants, ComputesWhatIsKnown) {
  Builder b({1, 4, 4, 3});
  const auto factor = b.binary(Op::kMultiply, b.constant({3}), b.number(2));
  const auto moved = b.copy(b.transpose(b.constant({3, 4}), {1, 0}), {1, 1, 4, 3});
  b.binary(Op::kAdd, b.binary(Op::kMultiply, b.input(), factor), moved);
  EXPECT_EQ(changed(b.graph, fold_constants).nodes.size(), 2U);
}

TEST(FoldConstants, LeavesWhatDependsOnTheImage) {
  Builder b({1, 4, 4, 3});
  b.binary(Op::kMultiply, b.input(), b.constant({3}));
  expect_unchanged(b.graph, fold_constants);
}

TEST(FoldConstants, LeavesWhatWouldBeHuge) {
  Builder b({1, 1, 1, 1});
  const auto huge = b.expand(b.number(1), {1 << 14, 1 << 14});
  const auto row = b.add({.op = Op::kSlice, .inputs = {huge}, .before = {0, 0}}, {1, 1});
  b.binary(Op::kAdd, b.input(), row);
  expect_unchanged(b.graph, fold_constants);
}

}  // namespace
}  // namespace silhouette::graph
