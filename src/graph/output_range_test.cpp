#include "graph/output_range.hpp"

#include <gtest/gtest.h>

#include "graph/test_graphs.hpp"

namespace silhouette::graph {
namespace {

using test::Builder;

OutputRange range_of(const std::vector<Node>& steps) {
  Builder builder({1, 4, 6, 3});
  for (Node node : steps) {
    node.inputs.insert(node.inputs.begin(), builder.graph.output);
    builder.add(node);
  }
  return output_range(builder.graph);
}

TEST(OutputRange, IsThatOfTheLastOperatorWhichComputes) {
  const Node sigmoid{.op = Op::kSigmoid};
  const Node softmax{.op = Op::kSoftmax};
  const Node moved{.op = Op::kTranspose, .order = {0, 3, 1, 2}};
  const Node clamped{.op = Op::kClamp, .activation = {.min = 0, .max = 1}};
  const Node relu{.op = Op::kClamp, .activation = {.min = 0}};
  const Node negated{.op = Op::kNegate};
  EXPECT_EQ(range_of({}), OutputRange::kUnknown) << "the image itself";
  EXPECT_EQ(range_of({sigmoid}), OutputRange::kUnit);
  EXPECT_EQ(range_of({sigmoid, moved}), OutputRange::kUnit);
  EXPECT_EQ(range_of({clamped}), OutputRange::kUnit);
  EXPECT_EQ(range_of({sigmoid, negated}), OutputRange::kUnknown);
  EXPECT_EQ(range_of({relu}), OutputRange::kUnknown);
  EXPECT_EQ(range_of({softmax}), OutputRange::kUnknown) << "along which dimension the values tell";
}

TEST(OutputRange, OfWeightedSumsIsUnbounded) {
  Builder builder({1, 4, 6, 3});
  const auto weights = builder.constant({5, 1, 1, 3});
  builder.add({.op = Op::kConvolution, .inputs = {builder.input(), weights}});
  EXPECT_EQ(output_range(builder.graph), OutputRange::kUnbounded);
  builder.graph.nodes.back().activation.function = Activation::Function::kSigmoid;
  EXPECT_EQ(output_range(builder.graph), OutputRange::kUnit);
  builder.graph.nodes.back().activation = {.min = 0, .max = 6};
  EXPECT_EQ(output_range(builder.graph), OutputRange::kUnknown);
}

TEST(OutputRange, OfSumsIsUnboundedWhereASideIs) {
  Builder builder({1, 4, 6, 3});
  const auto sigmoid = builder.add({.op = Op::kSigmoid, .inputs = {builder.input()}});
  builder.add({.op = Op::kSubtract, .inputs = {sigmoid, sigmoid}});
  EXPECT_EQ(output_range(builder.graph), OutputRange::kUnknown) << "may be 1 - sigmoid";
  const auto weights = builder.constant({3, 1, 1, 3});
  const auto scores = builder.add({.op = Op::kConvolution, .inputs = {builder.input(), weights}});
  builder.add({.op = Op::kAdd, .inputs = {sigmoid, scores}});
  EXPECT_EQ(output_range(builder.graph), OutputRange::kUnbounded);
}

}  // namespace
}  // namespace silhouette::graph
