#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

Graph pyramid(std::size_t place, bool bias, std::int64_t branches) {
  Builder b({1, 5, 6, 3});
  std::vector<TensorId> parts;
  for (std::int64_t i = 0; i < branches; ++i) parts.push_back(b.convolution(b.input(), 2 + i, square(3, 1)));
  const auto pooled = b.expand(b.convolution(b.global_average(b.input()), 4), {1, 5, 6, 4});
  parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(place), pooled);
  b.convolution(b.concatenate(parts), 5, {}, bias);
  b.graph.nodes.back().activation.min = 0;
  return b.graph;
}

TEST(SplitPooledBranch, MakesItAnAddend) {
  for (const bool bias : {false, true}) {
    for (std::size_t place = 0; place < 3; ++place) {
      const Graph before = pyramid(place, bias, 2);
      Graph after = changed(before, split_pooled_branch);
      drop_dead(after);
      EXPECT_EQ(number_of(after, Op::kExpand), 0);
      EXPECT_EQ(after.tensors[after.nodes.back().inputs[3]].dims, (Dims{1, 1, 1, 5}));
      EXPECT_LT(multiply_adds(after), multiply_adds(before));
    }
  }
  Graph after = changed(pyramid(0, true, 1), split_pooled_branch);
  while (remove_copies(after) || drop_dead(after)) {
  }
  EXPECT_EQ(number_of(after, Op::kConcatenate), 0);
}

TEST(SplitPooledBranch, OnlyForPointwiseConvolutions) {
  Builder b({1, 5, 6, 3});
  const auto pooled = b.expand(b.global_average(b.input()), {1, 5, 6, 3});
  b.convolution(b.concatenate({b.input(), pooled}), 5, square(3, 1));
  expect_unchanged(b.graph, split_pooled_branch);
}

TEST(SplitPooledBranch, OnlyForOnePixel) {
  Builder b({1, 5, 6, 3});
  const auto row = b.add({.op = Op::kSlice, .inputs = {b.input()}, .before = {0, 2, 0, 0}}, {1, 1, 6, 3});
  b.convolution(b.concatenate({b.input(), b.expand(row, {1, 5, 6, 3})}), 5);
  expect_unchanged(b.graph, split_pooled_branch);
}

}  // namespace
}  // namespace silhouette::graph
