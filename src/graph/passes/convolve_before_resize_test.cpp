#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(ConvolveBeforeResize, ComputesAtTheSmallSize) {
  for (const Corners corners : {Corners::kHalfPixel, Corners::kAligned, Corners::kAsymmetric}) {
    Builder b({1, 4, 3, 6});
    b.convolution(b.resize(b.input(), 9, 7, corners), 5);
    const auto after = changed(b.graph, convolve_before_resize);
    EXPECT_EQ(after.nodes.back().op, Op::kResizeBilinear);
    EXPECT_LT(multiply_adds(after), multiply_adds(b.graph));
  }
}

TEST(ConvolveBeforeResize, OnlyWhereItPaysAndHolds) {
  const auto keeps = [](std::int64_t height, std::int64_t outputs, const Window& window, float least, bool shared) {
    Builder b({1, 4, 3, 6});
    const auto large = b.resize(b.input(), height, 7);
    const auto x = b.convolution(large, outputs, window);
    b.graph.nodes.back().activation.min = least;
    if (shared) b.binary(Op::kAdd, b.global_average(large), x);
    expect_unchanged(b.graph, convolve_before_resize);
  };
  keeps(9, 5, square(3, 1), -INFINITY, false);
  keeps(9, 5, {}, 0, false);
  keeps(1, 5, {}, -INFINITY, false);
  keeps(9, 7, {}, -INFINITY, false);
  keeps(9, 6, {}, -INFINITY, true);
  keeps(9, 5, square(1, 0, 1, 2), -INFINITY, false);
}

}  // namespace
}  // namespace silhouette::graph
