#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(FuseAdditions, BecomeAddends) {
  for (const bool first : {false, true}) {
    for (const bool bias : {false, true}) {
      Builder b({1, 5, 5, 4});
      const auto x = b.convolution(b.clamp(b.input(), 0, 1), 4, square(3, 1), bias);
      first ? b.binary(Op::kAdd, x, b.input()) : b.binary(Op::kAdd, b.input(), x);
      b.graph.nodes.back().activation.min = 0;
      const auto after = changed(b.graph, fuse_additions);
      ASSERT_EQ(after.nodes.size(), 2U);
      EXPECT_EQ(after.nodes[1].inputs.size(), 4U);
      EXPECT_EQ(after.nodes[1].activation.min, 0);
    }
  }
}

TEST(FuseAdditions, WaitForWhatIsMadeLater) {
  Builder b({1, 5, 5, 4});
  const auto early = b.convolution(b.input(), 4);
  const auto late = b.unary(Op::kSquare, b.unary(Op::kAbs, b.input()));
  b.binary(Op::kAdd, early, late);
  EXPECT_EQ(changed(b.graph, fuse_additions).nodes.size(), 3U);
}

TEST(FuseAdditions, OfTwoConvolutionsTakeOne) {
  Builder b({1, 5, 5, 4});
  const auto first = b.convolution(b.input(), 6);
  b.binary(Op::kAdd, first, b.convolution(b.input(), 6));
  EXPECT_EQ(changed(b.graph, fuse_additions).nodes.size(), 2U);
}

TEST(FuseAdditions, OfOnePixel) {
  Builder b({1, 5, 5, 4});
  b.binary(Op::kAdd, b.convolution(b.input(), 4), b.global_average(b.input()));
  const auto after = changed(b.graph, fuse_additions);
  EXPECT_EQ(after.tensors[after.nodes[1].inputs[3]].dims, (Dims{1, 1, 1, 4}));
}

TEST(FuseAdditions, ButNotOtherwise) {
  Builder row({1, 5, 5, 4});
  row.binary(Op::kAdd, row.convolution(row.input(), 4), row.constant({1, 1, 5, 4}));
  expect_unchanged(row.graph, fuse_additions);
  Builder limited({1, 5, 5, 4});
  limited.convolution(limited.input(), 4);
  limited.graph.nodes.back().activation.max = 1;
  limited.binary(Op::kAdd, limited.graph.output, limited.input());
  expect_unchanged(limited.graph, fuse_additions);
  Builder twice({1, 5, 5, 4});
  twice.convolution(twice.input(), 4);
  twice.binary(Op::kAdd, twice.graph.output, twice.graph.output);
  expect_unchanged(twice.graph, fuse_additions);
  Builder narrow({1, 5, 5, 4});
  narrow.binary(Op::kAdd, narrow.convolution(narrow.global_average(narrow.input()), 4), narrow.input());
  expect_unchanged(narrow.graph, fuse_additions);
}

}  // namespace
}  // namespace silhouette::graph
