#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(DropDead, KeepsWhatLeadsToTheOutput) {
  Builder b({1, 3, 3, 2});
  const auto kept = b.convolution(b.input(), 4);
  const auto unread = b.convolution(b.clamp(b.input(), 0, 1), 4);
  b.unary(Op::kAbs, unread);
  const auto output = b.unary(Op::kSquare, kept);
  b.unary(Op::kSquare, output);
  b.graph.output = output;
  const auto after = changed(b.graph, drop_dead);
  EXPECT_EQ(after.nodes.size(), 2U);
  EXPECT_EQ(std::ranges::count_if(after.tensors, &Tensor::is_constant), 2);
}

}  // namespace
}  // namespace silhouette::graph
