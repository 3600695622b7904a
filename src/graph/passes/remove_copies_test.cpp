#include <gtest/gtest.h>

#include "graph/passes/all.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(RemoveCopies, DropsWhatChangesNothing) {
  Builder b({1, 4, 5, 3});
  auto x = b.unary(Op::kSquare, b.input());
  x = b.copy(x, {1, 4, 5, 3});
  x = b.transpose(x, {0, 1, 2, 3});
  x = b.pad(x, {0, 0, 0, 0}, {0, 0, 0, 0});
  x = b.expand(x, {1, 4, 5, 3});
  x = b.resize(x, 4, 5, Corners::kAligned);
  x = b.add({.op = Op::kSlice, .inputs = {x}, .before = {0, 0, 0, 0}}, {1, 4, 5, 3});
  x = b.concatenate({x});
  b.unary(Op::kClamp, x);
  EXPECT_EQ(changed(b.graph, remove_copies).nodes.size(), 1U);
}

TEST(RemoveCopies, JoinsReshapes) {
  Builder b({1, 1, 1, 6});
  auto x = b.transpose(b.input(), {0, 3, 1, 2});
  x = b.copy(x, {6});
  x = b.unary(Op::kSquare, b.copy(x, {1, 1, 1, 6}));
  const auto after = changed(b.graph, remove_copies);
  EXPECT_EQ(number_of(after, Op::kTranspose), 0);
  EXPECT_EQ(after.nodes.back().inputs[0], after.input);
}

TEST(RemoveCopies, KeepsWhatChangesSomething) {
  Builder b({1, 2, 3, 4});
  auto x = b.transpose(b.input(), {0, 3, 1, 2});
  x = b.clamp(x, 0, 1);
  x = b.resize(x, 5, 2);
  x = b.pad(x, {0, 0, 0, 0}, {0, 0, 0, 1});
  b.add({.op = Op::kSlice, .inputs = {x}, .before = {0, 1, 0, 0}}, {1, 2, 2, 3});
  expect_unchanged(b.graph, remove_copies);
  Builder cube({3, 3, 3});
  cube.transpose(cube.unary(Op::kAbs, cube.input()), {1, 0, 2});
  expect_unchanged(cube.graph, remove_copies);
}

TEST(RemoveCopies, LeavesAnOutputThatIsMade) {
  Builder b({1, 2, 2, 1});
  b.copy(b.input(), {1, 2, 2, 1});
  expect_unchanged(b.graph, remove_copies);
}

}  // namespace
}  // namespace silhouette::graph
