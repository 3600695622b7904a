#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "formats/pte/test_models.hpp"
#include "formats/pte/xnnpack.hpp"
#include "formats/pte/xnnpack_faults.hpp"
#include "formats/pte/xnnpack_test_graphs.hpp"
#include "support/support.hpp"

namespace silhouette::pte::xnnpack {
namespace {

namespace fb = fb_xnnpack;
using test::Dims;
using test::EditableModel;
using test::GraphBuilder;
using test::Type;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = fb::XNodeUnion;

TEST(Xnnpack, DecodesARealGraph) {
  const auto model = EditableModel::read(silhouette::test::source_file("tests/data/models/tiny_plain.pte"));
  NamedData named;
  for (const auto& entry : model.program.named_data) named.emplace(entry->key, model.segments.at(entry->segment_index));
  const auto graph = read_graph(model.segments.at(1), named, "delegate 0", messages_of("m.pte"));
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->nodes.size(), 3U);
  const Node& node = graph->nodes[1];
  EXPECT_EQ(node.op, Op::kConvolution);
  EXPECT_EQ(node.window.kernel.height, 3U);
  EXPECT_EQ(graph->values[node.inputs.at(0)].dims, (Dims{1, 16, 16, 3}));
  EXPECT_EQ(graph->values[node.inputs.at(1)].data.size(), 432U);
  EXPECT_EQ(graph->values[node.inputs.at(2)].data.size(), 16U);
  ASSERT_EQ(graph->externals.size(), 2U);
  EXPECT_TRUE(graph->values[graph->externals[0]].is_input);
  EXPECT_TRUE(graph->values[graph->externals[1]].is_output);
}

TEST(Xnnpack, ChecksConstants) {
  auto b = build({});
  b.graph.constant_data[1]->size -= 4;
  EXPECT_THAT(fault(b),
              AllOf(HasSubstr("'m.pte'"), HasSubstr("value 1: it needs 864 bytes, but its constant has 860")));
  b = build({});
  b.graph.constant_data[1]->offset = 1 << 20;
  EXPECT_THAT(fault(b), HasSubstr("outside its region"));
  b = build({});
  b.graph.constant_data[1]->offset = UINT64_MAX;
  EXPECT_THAT(fault(b), HasSubstr("outside its region"));
  b = build({});
  b.graph.constant_data[2]->offset -= 3;
  EXPECT_THAT(fault(b), HasSubstr("misaligned"));
  b = build({});
  b.graph.constant_data[1]->named_key = "absent";
  EXPECT_THAT(fault(b), HasSubstr("'absent', which the file hasn't"));
  b = build({});
  b.tensor(1).constant_buffer_idx = 3;
  EXPECT_THAT(fault(b), HasSubstr("constant 3 of 3"));
  b = build({});
  b.tensor(0).constant_buffer_idx = 1;
  EXPECT_THAT(fault(b), HasSubstr("a constant and an argument"));
}

TEST(Xnnpack, TellsWhatXnnpackDoesWrong) {
  const auto wrong = [](const GraphBuilder& b) {
    const auto graph = read_graph(b.payload(), {}, "delegate 0", messages_of("m.pte"));
    EXPECT_TRUE(graph) << graph.error().message;
    return graph ? std::string(fault_of_xnnpack(*graph)) : "";
  };
  // The last node takes these of: the input, a copy of it, a copy of the copy, and what isn't a copy.
  const auto takes = [&](std::uint32_t first, std::uint32_t second) {
    GraphBuilder b;
    const Dims dims{1, 8, 6, 4};
    const auto input = b.input(dims);
    for (const Kind kind : {Kind::XNNCopy, Kind::XNNCopy, Kind::XNNAbs}) {
      const auto result = b.inner(dims);
      b.unary(kind, result - 1, result);
    }
    b.binary(Kind::XNNMaximum, input + first, input + second, b.output(dims));
    return wrong(b);
  };
  EXPECT_THAT(takes(1, 1), HasSubstr("a copy twice"));
  EXPECT_THAT(takes(2, 2), HasSubstr("a copy twice"));
  EXPECT_EQ(takes(0, 0), "");
  EXPECT_EQ(takes(0, 1), "");
  EXPECT_EQ(takes(1, 2), "");
  EXPECT_EQ(takes(3, 3), "");

  const auto pools = [&](Kind kind, std::uint32_t padding) {
    GraphBuilder b;
    const auto input = b.input({1, 8, 6, 4});
    const auto output = b.output({1, 6 + padding, 4, 4});
    auto& node = b.node<fb::_XNNPooling2DT>(kind);
    node.pooling_height = node.pooling_width = 3;
    node.stride_height = node.stride_width = 1;
    node.dilation_height = node.dilation_width = 1;
    node.padding_bottom = padding;
    node.input_id = input;
    node.output_id = output;
    return wrong(b);
  };
  EXPECT_THAT(pools(Kind::XNNAvgPooling2d, 1), HasSubstr("padded averages"));
  EXPECT_EQ(pools(Kind::XNNAvgPooling2d, 0), "");
  EXPECT_EQ(pools(Kind::XNNMaxPooling2d, 1), "");
}

TEST(Xnnpack, ChecksValuesAndOrder) {
  auto b = build({});
  b.tensor(1).id_out = 0;
  EXPECT_THAT(fault(b), HasSubstr("its id 0 is that of another one"));
  b = build({});
  b.graph.xnodes[0]->xnode_union.AsXNNConv2d()->input1_id = 77;
  EXPECT_THAT(fault(b), HasSubstr("uses value 77, which isn't there"));
  b = build({});
  b.tensor(0).dims[2] = 0;
  EXPECT_THAT(fault(b), HasSubstr("the shape 1x8x0x4"));
  b = build({});
  b.tensor(0).num_dims = 3;
  EXPECT_THAT(fault(b), HasSubstr("4 dimensions of 3"));
  b = build({});
  b.tensor(0).dims = {65536, 65536, 65536, 4};
  b.tensor(0).num_dims = 4;
  EXPECT_THAT(fault(b), HasSubstr("too large"));
  b = build({});
  b.tensor(0).flags = 3;
  EXPECT_THAT(fault(b), HasSubstr("flags 0x3"));
  b = build({});
  b.tensor(3).external_id = 0;
  EXPECT_THAT(fault(b), HasSubstr("argument 0 of 2, or not alone"));
  b = build({});
  b.graph.num_externs = 3;
  EXPECT_THAT(fault(b), HasSubstr("argument 2 of 3 has no value"));
  b = build({});
  b.graph.num_externs = 1U << 31;
  EXPECT_THAT(fault(b), HasSubstr("too large"));
  b = build({});
  b.tensor(0).datatype = Type::xnn_datatype_fp16;
  EXPECT_THAT(fault(b), HasSubstr("xnn_datatype_fp16"));

  GraphBuilder order;
  const auto in = order.input({1, 4});
  const auto first = order.inner({1, 4});
  const auto out = order.output({1, 4});
  order.unary(Kind::XNNSigmoid, first, out);
  order.unary(Kind::XNNSigmoid, in, first);
  EXPECT_THAT(fault(order), HasSubstr("node 0 (sigmoid): it reads value 1 before that is computed"));

  GraphBuilder twice;
  const auto in2 = twice.input({1, 4});
  const auto out2 = twice.output({1, 4});
  twice.unary(Kind::XNNSigmoid, in2, out2);
  twice.unary(Kind::XNNAbs, in2, out2);
  EXPECT_THAT(fault(twice), HasSubstr("node 1 (abs): it overwrites value 1"));

  GraphBuilder none;
  const auto in3 = none.input({1, 4});
  none.output({1, 4});
  none.unary(Kind::XNNAbs, in3, none.inner({1, 4}));
  EXPECT_THAT(fault(none), HasSubstr("nothing computes its result 1"));

  GraphBuilder constants;
  const auto constant = constants.constant({1, 4});
  constants.unary(Kind::XNNAbs, constant, constants.output({1, 4}));
  EXPECT_THAT(fault(constants), HasSubstr("constants only"));
}

TEST(Xnnpack, LimitsMemoryAndWork) {
  EXPECT_THAT(fault(build({.in = {1, 4000, 4000, 4},
                           .filter = {6, 31, 31, 4},
                           .out = {1, 4000, 4000, 6},
                           .change =
                               [](auto& n) {
                                 n.kernel_height = n.kernel_width = 31;
                                 n.padding_top = n.padding_right = n.padding_bottom = n.padding_left = 15;
                               }})),
              HasSubstr("its window has too many taps"));

  GraphBuilder b;
  auto last = b.input({1, 1, 1, 1});
  const auto first = last;
  std::vector<std::uint32_t> alive;
  for (int i = 0; i < 5; ++i) {
    alive.push_back(b.inner({1, 16384, 16384, 1}));
    auto& table = b.node<fb::XNNStaticResizeBilinear2DT>(Kind::XNNStaticResizeBilinear2D);
    table.new_height = table.new_width = 16384;
    table.input_id = first;
    table.output_id = alive.back();
  }
  auto& join = b.node<fb::_XNNCatT>(Kind::XNNConcatenate5);
  join.axis = 1;
  join.input1_id = alive[0];
  join.input2_id = alive[1];
  join.input3_id = alive[2];
  join.input4_id = alive[3];
  join.input5_id = alive[4];
  join.output_id = b.output({1, 5 * 16384, 16384, 1});
  EXPECT_THAT(fault(b), AllOf(HasSubstr("too large"), HasSubstr("'m.pte'")));
}

TEST(Xnnpack, RefusesBadPayloads) {
  const auto good = build({}).payload();
  const auto fault_of = [](const std::vector<std::byte>& payload) {
    const auto graph = read_graph(payload, {}, "delegate 0", messages_of("m.pte"));
    return graph ? "" : graph.error().message;
  };
  ASSERT_EQ(fault_of(good), "");
  for (std::size_t size = 0; size < good.size(); size += 11) {
    EXPECT_NE(fault_of(std::vector<std::byte>(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))), "")
        << size;
  }
  auto bytes = good;
  bytes[32 + 7] = std::byte{'9'};
  EXPECT_THAT(fault_of(bytes), HasSubstr("version \"XN09\""));
  bytes = good;
  bytes[10] = std::byte{33};
  EXPECT_NE(fault_of(bytes), "");
  bytes = good;
  bytes[17] = std::byte{0x7F};
  EXPECT_THAT(fault_of(bytes), HasSubstr("its header tells of"));
  bytes = good;
  bytes[18] = std::byte{0};
  EXPECT_THAT(fault_of(bytes), HasSubstr("its header tells of"));
}

}  // namespace
}  // namespace silhouette::pte::xnnpack
