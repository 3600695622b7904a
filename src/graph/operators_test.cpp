#include "graph/operators.hpp"

#include <gtest/gtest.h>

#include <set>

#include "graph/reference.hpp"
#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using namespace test;

TEST(Operators, EveryOneHasARowAndANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const Operator& row : operators()) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " twice";
    EXPECT_EQ(&properties(row.op), &row);
    EXPECT_EQ(op_name(row.op), row.name);
    EXPECT_LE(row.least_operands, row.most_operands) << row.name;
  }
  EXPECT_EQ(operators().size(), static_cast<std::size_t>(Op::kLast) + 1);
}

TEST(Operators, KindsAreWhatTheyAreCalled) {
  for (const Op op : {Op::kClamp, Op::kAbs, Op::kTanh, Op::kGelu}) EXPECT_TRUE(is_unary(op)) << op_name(op);
  for (const Op op : {Op::kAdd, Op::kPrelu, Op::kSubtract}) EXPECT_TRUE(is_binary(op)) << op_name(op);
  for (const Op op : {Op::kConvolution, Op::kCopy, Op::kSoftmax, Op::kTranspose}) {
    EXPECT_FALSE(is_elementwise(op)) << op_name(op);
  }
}

/// A number that is no operator is refused, and nothing beyond the table is read.
TEST(Operators, UnknownNumbersAreRefused) {
  for (const int number : {static_cast<int>(Op::kLast) + 1, 100, 255}) {
    const auto op = static_cast<Op>(number);
    EXPECT_FALSE(is_known(op));
    EXPECT_FALSE(is_elementwise(op));
    Builder b({1, 2, 2, 3});
    b.unary(Op::kAbs, b.input());
    b.graph.nodes[0].op = op;
    const auto sound = verify(b.graph);
    ASSERT_FALSE(sound);
    EXPECT_NE(sound.error().message.find("its operation isn't known"), std::string::npos) << sound.error().message;
  }
}

TEST(Operators, AnotherNumberOfOperandsIsRefused) {
  for (const Operator& row : operators()) {
    for (const std::size_t wrong : {row.least_operands - 1, row.most_operands + 1}) {
      if (wrong > 9) continue;  // any number is right
      Builder b({1, 2, 2, 3});
      b.unary(Op::kAbs, b.input());
      b.graph.nodes[0].op = row.op;
      b.graph.nodes[0].inputs.assign(wrong, b.input());
      const auto sound = verify(b.graph);
      ASSERT_FALSE(sound) << row.name << " of " << wrong;
      EXPECT_NE(sound.error().message.find("operands"), std::string::npos) << sound.error().message;
    }
  }
}

}  // namespace
}  // namespace silhouette::graph
