#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(FoldPadding, IntoConvolutions) {
  Builder b({1, 6, 7, 3});
  auto x = b.pad(b.input(), {0, 0, 1, 0}, {0, 2, 3, 0});
  x = b.convolution(x, 4, square(3, 1, 1, 2));
  x = b.pad(x, {0, 1, 0, 0}, {0, 0, 1, 0});
  b.depthwise(x, square(3));
  Graph after = changed(b.graph, fold_padding);
  drop_dead(after);
  EXPECT_EQ(number_of(after, Op::kPad), 0);
}

TEST(FoldPadding, IntoMaxima) {
  for (const float value : {0.0F, -INFINITY}) {
    Builder b({1, 6, 7, 3});
    const auto x = value == 0 ? b.clamp(b.input(), 0, 5) : b.unary(Op::kNegate, b.input());
    b.add({.op = Op::kMaxPool, .inputs = {b.pad(x, {0, 1, 1, 0}, {0, 1, 1, 0}, value)}, .window = square(3, 0, 1, 2)});
    Graph after = changed(b.graph, fold_padding);
    drop_dead(after);
    EXPECT_EQ(number_of(after, Op::kPad), 0);
  }
}

TEST(FoldPadding, KeepsWhatCounts) {
  const auto keeps = [](Op op, float value, const Dims& before, std::int64_t kernel) {
    Builder b({1, 6, 7, 3});
    const auto x = b.pad(b.unary(Op::kNegate, b.input()), before, {0, 0, 0, 0}, value);
    if (op == Op::kConvolution) {
      b.convolution(x, 2, square(kernel));
    } else {
      b.add({.op = op, .inputs = {x}, .window = square(kernel)});
    }
    expect_unchanged(b.graph, fold_padding);
  };
  keeps(Op::kConvolution, 1, {0, 1, 1, 0}, 3);
  keeps(Op::kConvolution, 0, {0, 0, 0, 1}, 3);
  keeps(Op::kMaxPool, 0, {0, 1, 1, 0}, 3);
  keeps(Op::kAveragePool, 0, {0, 1, 1, 0}, 3);
  keeps(Op::kMaxPool, -INFINITY, {0, 4, 0, 0}, 3);
}

}  // namespace
}  // namespace silhouette::graph
