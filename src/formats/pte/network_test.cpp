#include "formats/pte/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "formats/pte/test_models.hpp"
#include "formats/pte/test_reading.hpp"
#include "graph/reference.hpp"
#include "support/support.hpp"

namespace silhouette::pte {
namespace {

using silhouette::test::read_bytes;
using silhouette::test::source_file;
using test::EditableModel;
using test::read_network;
using Dims = std::vector<std::int64_t>;
using Kind = fb_xnnpack::XNodeUnion;
using ::testing::AllOf;
using ::testing::HasSubstr;

void expect_unsupported(const std::vector<std::byte>& file, std::string_view message) {
  const auto network = read_network(file, "some/model.pte");
  ASSERT_FALSE(network) << "accepted; expected: " << message;
  EXPECT_EQ(network.error().code, ErrorCode::kUnsupportedModel) << network.error().message;
  EXPECT_THAT(network.error().message, AllOf(HasSubstr("'some/model.pte'"), HasSubstr(std::string(message))));
}

TEST(Network, TellsWhatItCannotRead) {
  const auto model = [](std::string_view name) {
    return read_bytes(source_file("tests/data/models/" + std::string(name) + ".pte"));
  };
  expect_unsupported(model("tiny_portable"),
                     "aten::convolution.out): the native engine knows this operator in delegates only");
  expect_unsupported(model("tiny_int8"), "quantised");
  expect_unsupported(model("int_output"), "int64");
}

TEST(Network, JoinsWhatOldExportersCutApart) {
  const auto file = read_bytes(source_file("tests/data/models/tiny_clone.pte"));
  const auto network = read_network(file, "clone");
  ASSERT_TRUE(network) << network.error().message;
  EXPECT_EQ(network->tensors[network->input].dims, (Dims{1, 3, 16, 16}));
  EXPECT_EQ(network->tensors[network->output].dims, (Dims{1, 3, 16, 16}));
  EXPECT_EQ(std::ranges::count(network->nodes, graph::Op::kConvolution, &graph::Node::op), 2);
}

TEST(Network, KeepsACopyOfAMisalignedFile) {
  const auto file = read_bytes(source_file("tests/data/models/tiny_plain.pte"));
  Result<graph::Graph> network = fail(ErrorCode::kInternal, "");
  {
    std::vector<std::byte> shifted(file.size() + 1);
    std::ranges::copy(file, shifted.begin() + 1);
    network = read_network(std::span(shifted).subspan(1), "shifted");
  }
  ASSERT_TRUE(network) << network.error().message;
  const auto straight = read_network(file, "straight");
  ASSERT_TRUE(straight);
  const std::vector<float> input(3 * 16 * 16, 0.5F);
  EXPECT_EQ(graph::evaluate(*network, input).value(), graph::evaluate(*straight, input).value());
}

TEST(Network, FollowsTheMethodsMemory) {
  const auto path = source_file("tests/data/models/tiny_clone.pte");
  auto model = EditableModel::read(path);
  const auto source = static_cast<std::size_t>(model.kernel_call(1).args.at(0));
  auto& instructions = model.forward().chains.at(0)->instructions;
  instructions.erase(instructions.begin() + 1);
  // Without the clone, the second delegate reads a place that nothing wrote.
  expect_unsupported(model.write(), "delegate 1: it reads memory that nothing in the network wrote");
  // Where both are at the same place, exporters leave the clone out.
  const auto target = static_cast<std::size_t>(model.delegate_call(1).args.at(0));
  model.tensor(target).allocation_info =
      std::make_unique<executorch_flatbuffer::AllocationDetailsT>(*model.tensor(source).allocation_info);
  const auto file = model.write();
  const auto joined = read_network(file, "joined");
  ASSERT_TRUE(joined) << joined.error().message;
  const auto original = read_bytes(path);
  const auto whole = read_network(original, "whole");
  ASSERT_TRUE(whole) << whole.error().message;
  const std::vector<float> input(3 * 16 * 16, 0.5F);
  EXPECT_EQ(graph::evaluate(*joined, input).value(), graph::evaluate(*whole, input).value());
}

/// A file with one delegate, of a graph of its own from [1, 3, 16, 16] to [1, 4, 16, 16].
std::vector<std::byte> with_graph(const test::GraphBuilder& builder) {
  auto model = EditableModel::read(source_file("tests/data/models/tiny_plain.pte"));
  model.segments.at(1) = builder.payload();
  return model.write();
}

/// The same computed by one function of the schema's.
template <typename Build>
Result<graph::Graph> read_built(Build build) {
  test::GraphBuilder b;
  const auto in = b.input({1, 3, 16, 16});
  const auto out = b.output({1, 4, 16, 16});
  build(b, in, out);
  static std::vector<std::byte> file;  // what the graph borrows from
  file = with_graph(b);
  return read_network(file, "built");
}

TEST(Network, ReadsDepthwiseAndConnectedWeightsInItsOrder) {
  const auto network = read_built([](test::GraphBuilder& b, std::uint32_t in, std::uint32_t out) {
    const auto nhwc = b.inner({1, 16, 16, 3});
    auto& first = b.node<fb_xnnpack::XNNStaticTransposeT>(Kind::XNNStaticTranspose);
    first.perm = {0, 2, 3, 1};
    first.num_dims = 4;
    first.input_id = in;
    first.output_id = nhwc;
    const auto filter = b.constant({1, 3, 3, 6});
    const auto six = b.inner({1, 16, 16, 6});
    auto& depthwise = b.node<fb_xnnpack::_XNNNodeConvT>(Kind::XNNDepthwiseConv2d);
    depthwise.padding_top = depthwise.padding_right = depthwise.padding_bottom = depthwise.padding_left = 1;
    depthwise.kernel_height = depthwise.kernel_width = 3;
    depthwise.subsampling_height = depthwise.subsampling_width = 1;
    depthwise.dilation_height = depthwise.dilation_width = 1;
    depthwise.groups = 3;
    depthwise.group_input_channels = 1;
    depthwise.group_output_channels = 2;
    depthwise.input1_id = nhwc;
    depthwise.filter_id = filter;
    depthwise.bias_id = UINT32_MAX;
    depthwise.output_id = six;
    const auto weights = b.constant({6, 4});
    const auto four = b.inner({1, 16, 16, 4});
    auto& connected = b.node<fb_xnnpack::XNNFullyConnectedT>(Kind::XNNFullyConnected);
    connected.input1_id = six;
    connected.filter_id = weights;
    connected.bias_id = UINT32_MAX;
    connected.output_id = four;
    connected.flags = 1;  // transposed
    auto& last = b.node<fb_xnnpack::XNNStaticTransposeT>(Kind::XNNStaticTranspose);
    last.perm = {0, 3, 1, 2};
    last.num_dims = 4;
    last.input_id = four;
    last.output_id = out;
  });
  ASSERT_TRUE(network) << network.error().message;
  ASSERT_EQ(network->nodes.size(), 4U);
  const graph::Node& depthwise = network->nodes[1];
  EXPECT_EQ(depthwise.op, graph::Op::kDepthwiseConvolution);
  EXPECT_EQ(network->tensors[depthwise.inputs[1]].dims, (Dims{3, 3, 6}));
  const graph::Tensor& weights = network->tensors[network->nodes[2].inputs[1]];
  EXPECT_EQ(weights.dims, (Dims{4, 6}));
  test::GraphBuilder same;
  same.constant({1, 3, 3, 6});
  same.constant({6, 4});
  std::vector<float> given(24);
  std::memcpy(given.data(), same.constants.data() + same.graph.constant_data.back()->offset, 24 * sizeof(float));
  for (std::size_t o = 0; o < 4; ++o) {
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(weights.constant.values[o * 6 + i], given[i * 4 + o]);
  }
}

TEST(Network, TellsOperatorsThatItHasnt) {
  const auto network = read_built([](test::GraphBuilder& b, std::uint32_t in, std::uint32_t out) {
    const auto slope = b.constant({1, 4, 16, 16});
    const auto cosine = b.inner({1, 3, 16, 16});
    b.unary(Kind::XNNCos, in, cosine);
    const auto one = b.inner({1, 1, 16, 16});
    auto& slice = b.node<fb_xnnpack::XNNStaticSliceT>(Kind::XNNStaticSlice);
    slice.offsets = {0, 0, 0, 0};
    slice.sizes = {1, 1, 16, 16};
    slice.num_dims = 4;
    slice.input_id = cosine;
    slice.output_id = one;
    b.binary(Kind::XNNMultiply, one, slope, out);
  });
  ASSERT_FALSE(network);
  EXPECT_EQ(network.error().code, ErrorCode::kUnsupportedModel);
  EXPECT_THAT(network.error().message, HasSubstr("node 0 (cos): the native engine has no such operator"));
}

}  // namespace
}  // namespace silhouette::pte
