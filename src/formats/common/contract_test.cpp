#include "formats/common/contract.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace silhouette::formats {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// What a file declares.
struct Declared {
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
};

Result<NetworkShape> network_shape(const Declared& model, std::string_view name) {
  auto contract = read_contract(model.inputs, model.outputs, name);
  if (!contract) return std::unexpected(std::move(contract.error()));
  return contract->shape;
}

Declared program(std::vector<std::int64_t> in, std::vector<std::int64_t> out) {
  Declared result;
  result.inputs.push_back({std::move(in), {}, ScalarType::kFloat, 0});
  result.outputs.push_back({std::move(out), {}, ScalarType::kFloat, 0});
  return result;
}

TEST(Contract, ReadsBothOrders) {
  auto model = program({1, 3, 10, 20}, {1, 7, 5, 6});
  auto shape = network_shape(model, "m").value();
  EXPECT_EQ(shape.input_height, 10);
  EXPECT_EQ(shape.input_width, 20);
  EXPECT_FALSE(shape.input_nhwc);
  EXPECT_EQ(shape.channels, 7);
  EXPECT_EQ(shape.output_height, 5);
  EXPECT_EQ(shape.output_width, 6);
  model.inputs[0].dim_order = {0, 2, 3, 1};
  EXPECT_TRUE(network_shape(model, "m")->input_nhwc);
}

TEST(Contract, RefusesOtherNetworksByName) {
  const auto expect = [](const Declared& model, ErrorCode code) {
    const auto shape = network_shape(model, "model.pte");
    ASSERT_FALSE(shape);
    EXPECT_EQ(shape.error().code, code) << shape.error().message;
    EXPECT_THAT(shape.error().message, HasSubstr("model.pte"));
  };
  expect(program({1, 10}, {1, 7, 5, 6}), ErrorCode::kUnsupportedModel);
  expect(program({2, 3, 10, 10}, {1, 7, 5, 6}), ErrorCode::kUnsupportedModel);
  expect(program({1, 1, 10, 10}, {1, 7, 5, 6}), ErrorCode::kUnsupportedModel);
  expect(program({1, 3, 10, 10}, {1, 7}), ErrorCode::kUnsupportedModel);
  expect(program({1, 3, 10, 0}, {1, 7, 5, 5}), ErrorCode::kLimitExceeded);
  expect(program({1, 3, 10, 1 << 20}, {1, 7, 5, 5}), ErrorCode::kLimitExceeded);
  expect(program({1, 3, 10, 10}, {1, 16'000, 16'000, 16'000}), ErrorCode::kLimitExceeded);
  auto model = program({1, 3, 10, 10}, {1, 7, 5, 5});
  model.outputs[0].type = ScalarType::kInt64;
  expect(model, ErrorCode::kUnsupportedModel);
  model.outputs.clear();
  expect(model, ErrorCode::kUnsupportedModel);
  model = program({1, 3, 10, 10}, {1, 7, 5, 5});
  model.inputs[0].dim_order = {3, 2, 1, 0};
  expect(model, ErrorCode::kUnsupportedModel);
  model.inputs.push_back(model.inputs[0]);
  expect(model, ErrorCode::kUnsupportedModel);
}

graph::Graph network(std::vector<std::int64_t> in, std::vector<std::int64_t> out) {
  graph::Graph graph;
  graph.input = graph.add_tensor(std::move(in));
  graph.output = graph.add_tensor(std::move(out));
  return graph;
}

TEST(Contract, IsThatOfTheNetwork) {
  NetworkShape shape{.input_height = 10, .input_width = 20, .channels = 7, .output_height = 5, .output_width = 6};
  EXPECT_TRUE(check_contract(network({1, 3, 10, 20}, {1, 7, 5, 6}), shape, "m"));
  EXPECT_TRUE(check_contract(network({3, 10, 20}, {7, 5, 6}), shape, "m"));
  EXPECT_FALSE(check_contract(network({1, 10, 20, 3}, {1, 7, 5, 6}), shape, "m"));
  const auto wrong = check_contract(network({1, 3, 10, 20}, {1, 7, 6, 5}), shape, "m.toy");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidModel);
  EXPECT_THAT(wrong.error().message, AllOf(HasSubstr("m.toy"), HasSubstr("7 × 5 × 6"), HasSubstr("[1, 7, 6, 5]")));
  EXPECT_FALSE(check_contract(network({1, 3, 10, 20}, {1, 7, 5, 7}), shape, "m")) << "more than declared";
  shape.input_nhwc = shape.output_nhwc = true;
  EXPECT_TRUE(check_contract(network({1, 10, 20, 3}, {1, 5, 6, 7}), shape, "m"));
  EXPECT_FALSE(check_contract(network({1, 3, 10, 20}, {1, 5, 6, 7}), shape, "m"));
}

}  // namespace
}  // namespace silhouette::formats
