#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(FoldScales, IntoWeightsAndBias) {
  for (const Op op : {Op::kAdd, Op::kSubtract, Op::kMultiply, Op::kDivide}) {
    for (const bool bias : {false, true}) {
      for (const Dims& dims : {Dims{4}, Dims{1}, Dims{1, 1, 1, 4}}) {
        Builder b({1, 6, 5, 3});
        auto x = b.binary(op, b.convolution(b.input(), 4, square(3, 1), bias), b.constant(dims, 0.5F, 2));
        b.graph.nodes.back().activation.min = 0;
        x = b.binary(op, b.depthwise(x, square(3), 2), b.constant({8}, 0.5F, 2));
        const auto after = changed(b.graph, fold_scales);
        EXPECT_EQ(after.nodes.size(), 2U);
        EXPECT_EQ(after.nodes[0].activation.min, 0);
      }
    }
  }
}

TEST(FoldScales, OfTransposeConvolutionsAndLayers) {
  Builder b({1, 4, 4, 4});
  Window window = square(2, 0, 1, 2);
  window.groups = 2;
  auto x = b.add({.op = Op::kTransposeConvolution, .inputs = {b.input(), b.constant({6, 2, 2, 2})}, .window = window});
  x = b.binary(Op::kMultiply, b.constant({6}), x);
  x = b.add({.op = Op::kFullyConnected, .inputs = {x, b.constant({5, 6}), b.constant({5})}});
  b.binary(Op::kMultiply, x, b.constant({5}));
  EXPECT_EQ(changed(b.graph, fold_scales).nodes.size(), 2U);
}

TEST(FoldScales, KeepsWhatIsNotPerChannel) {
  const auto keeps = [](const auto& step) {
    Builder b({1, 4, 4, 3});
    const auto x = b.convolution(b.input(), 4);
    step(b, x);
    expect_unchanged(b.graph, fold_scales);
  };
  keeps([](Builder& b, TensorId x) { b.binary(Op::kMultiply, x, b.constant({1, 1, 4, 1})); });
  keeps([](Builder& b, TensorId x) { b.binary(Op::kMultiply, x, b.constant({4, 4, 4})); });
  keeps([](Builder& b, TensorId x) { b.binary(Op::kSubtract, b.constant({4}), x); });
  keeps([](Builder& b, TensorId x) { b.binary(Op::kDivide, b.constant({4}), x); });
  keeps([](Builder& b, TensorId x) { b.binary(Op::kDivide, x, b.number(0)); });
  keeps([](Builder& b, TensorId x) { b.binary(Op::kMultiply, b.clamp(x, 0, 1), b.constant({4})); });
  keeps([](Builder& b, TensorId x) { b.binary(Op::kAdd, b.binary(Op::kMultiply, x, b.constant({4})), x); });
}

}  // namespace
}  // namespace silhouette::graph
