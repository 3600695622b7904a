#include "graph/passes.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

/// A random network of what segmentation networks are made of, and of what exporters leave between.
Graph random_network(std::uint64_t seed) {
  Builder b({1, 3, 12, 11}, seed);
  auto x = b.convolution(b.transpose(b.input(), {0, 2, 3, 1}), 4, square(3, 1, 1, 2));
  std::vector<TensorId> images{x};  // all of the same dimensions
  const Dims dims = b.dims(x);
  for (int i = 0; i < 12; ++i) {
    const auto any = [&] {
      return images[static_cast<std::size_t>(b.pick(0, static_cast<std::int64_t>(images.size()) - 1))];
    };
    x = any();
    switch (b.pick(0, 13)) {
      case 0: x = b.convolution(x, 4, square(3, 1), b.pick(0, 1) == 1); break;
      case 1: x = b.convolution(x, 4); break;
      case 2: x = b.depthwise(x, square(3, 9, 9)); break;
      case 3: x = b.binary(Op::kAdd, x, any()); break;
      case 4: x = b.binary(b.pick(0, 1) == 1 ? Op::kMultiply : Op::kSubtract, x, b.constant({4})); break;
      case 5: x = b.clamp(x, -1, static_cast<float>(b.pick(0, 6))); break;
      case 6: x = b.unary(b.pick(0, 1) == 1 ? Op::kHardswish : Op::kSigmoid, x); break;
      case 7: {
        const auto shifted = b.clamp(b.clamp(b.binary(Op::kAdd, x, b.number(3)), 0, INFINITY), -INFINITY, 6);
        x = b.binary(Op::kMultiply, b.binary(Op::kDivide, shifted, b.number(6)), x);
        break;
      }
      case 8: {
        auto gate = b.copy(b.convolution(b.global_average(x), 4), {1, 4, 1, 1});
        gate = b.binary(Op::kMultiply, b.unary(Op::kSigmoid, gate), b.transpose(x, {0, 3, 1, 2}));
        x = b.transpose(gate, {0, 2, 3, 1});
        break;
      }
      case 9: x = b.transpose(b.transpose(x, {0, 3, 1, 2}), {0, 2, 3, 1}); break;
      case 10: x = b.convolution(b.pad(x, {0, 1, 1, 0}, {0, 1, 1, 0}), 4, square(3)); break;
      case 11: x = b.convolution(b.concatenate({any(), b.concatenate({any(), any()})}), 4); break;
      case 12:
        x = b.convolution(b.concatenate({x, b.resize(b.convolution(b.global_average(any()), 3), dims[1], dims[2])}), 4);
        break;
      default: {
        const auto small = b.add({.op = Op::kMaxPool, .inputs = {x}, .window = square(2, 0, 1, 2)});
        x = b.convolution(b.resize(small, dims[1], dims[2]), 4);
      }
    }
    // Grown values would swallow the others.
    if (b.pick(0, 2) == 0) x = b.clamp(x, -2, 2);
    images.push_back(x);
  }
  x = b.convolution(x, 5);
  b.transpose(b.resize(x, 12, 11), {0, 3, 1, 2});
  return b.graph;
}

TEST(Passes, EachKeepsTheFunction) {
  Builder seeds({1});
  std::set<std::string_view> used;
  for (int i = 0; i < 60; ++i) {
    const auto seed = static_cast<std::uint64_t>(seeds.pick(0, 1LL << 40));
    SCOPED_TRACE(seed);
    const Graph before = random_network(seed);
    ASSERT_TRUE(verify(before)) << verify(before).error().message;
    for (const Pass& pass : passes()) {
      SCOPED_TRACE(pass.name);
      Graph after = before;
      if (pass.run(after)) used.insert(pass.name);
      expect_same(before, after);
    }
    Graph after = before;
    optimize(after, [&](const Pass& pass, const Graph& graph) {
      SCOPED_TRACE(pass.name);
      used.insert(pass.name);
      ASSERT_TRUE(verify(graph)) << verify(graph).error().message << describe(graph);
    });
    expect_same(before, after);
    EXPECT_LE(after.nodes.size(), before.nodes.size());
    if (HasFailure()) return;
  }
  // fold-constants is left out: exporters fold what is made of constants, and so does the builder.
  EXPECT_GE(used.size() + 1, passes().size());
}

TEST(Passes, SettleOnLongChains) {
  constexpr int kLength = 3000;
  Builder b({1, 2, 3, 4});
  auto x = b.input();
  for (int i = 0; i < kLength; ++i) {
    x = i % 2 == 0 ? b.transpose(x, {0, 3, 1, 2}) : b.transpose(x, {0, 2, 3, 1});
    x = b.binary(Op::kAdd, x, b.number(1));
    x = b.clamp(x, -10, 1e6F);
  }
  optimize(b.graph);
  EXPECT_TRUE(verify(b.graph));
  EXPECT_LE(b.graph.nodes.size(), kLength + 1U);
}

}  // namespace
}  // namespace silhouette::graph
