#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(TrimKernels, LeavesTheTapsThatMeetTheImage) {
  Builder b({1, 7, 5, 3});
  b.convolution(b.input(), 4, square(3, 9, 9));
  const auto after = changed(b.graph, trim_kernels);
  const Node& node = after.nodes[0];
  EXPECT_EQ(node.window, square(1));
  EXPECT_EQ(after.tensors[node.inputs[1]].dims, (Dims{4, 1, 1, 3}));
  EXPECT_EQ(multiply_adds(after), multiply_adds(b.graph));
}

TEST(TrimKernels, OfAnyWindow) {
  Builder random({1, 1, 1, 1});
  int trimmed = 0;
  for (int i = 0; i < 200; ++i) {
    Builder b({1, random.pick(1, 8), random.pick(1, 8), 2}, static_cast<std::uint64_t>(random.pick(0, 1 << 30)));
    const Window window{.pad_top = b.pick(0, 9),
                        .pad_left = b.pick(0, 9),
                        .pad_bottom = b.pick(0, 9),
                        .pad_right = b.pick(0, 9),
                        .kernel_height = b.pick(1, 5),
                        .kernel_width = b.pick(1, 5),
                        .stride_height = b.pick(1, 3),
                        .stride_width = b.pick(1, 3),
                        .dilation_height = b.pick(1, 5),
                        .dilation_width = b.pick(1, 5)};
    const auto& in = b.dims(b.input());
    if (in[1] + window.pad_top + window.pad_bottom <= (window.kernel_height - 1) * window.dilation_height ||
        in[2] + window.pad_left + window.pad_right <= (window.kernel_width - 1) * window.dilation_width)
      continue;
    i % 2 == 0 ? b.convolution(b.input(), 3, window) : b.depthwise(b.input(), window, 2);
    Graph after = b.graph;
    if (trim_kernels(after)) ++trimmed;
    expect_same(b.graph, after);
    EXPECT_EQ(multiply_adds(after), multiply_adds(b.graph));
  }
  EXPECT_GT(trimmed, 20);
}

TEST(TrimKernels, KeepsTapsThatMeetIt) {
  Builder b({1, 28, 28, 1});
  b.convolution(b.input(), 1, square(3, 24, 24));
  expect_unchanged(b.graph, trim_kernels);
}

}  // namespace
}  // namespace silhouette::graph
