#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "formats/pte/test_models.hpp"
#include "formats/pte/xnnpack.hpp"
#include "formats/pte/xnnpack_test_graphs.hpp"

namespace silhouette::pte::xnnpack {
namespace {

namespace fb = fb_xnnpack;
using test::Dims;
using test::GraphBuilder;
using test::Type;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = fb::XNodeUnion;

constexpr auto kQint8 = Type::xnn_datatype_qint8;
constexpr auto kQcint8 = Type::xnn_datatype_qcint8;
constexpr auto kQcint32 = Type::xnn_datatype_qcint32;

TEST(XnnpackNodes, ChecksConvolutions) {
  EXPECT_EQ(fault(build({})), "");
  EXPECT_EQ(
      fault(build({.out = {1, 4, 3, 6}, .change = [](auto& n) { n.subsampling_height = n.subsampling_width = 2; }})),
      "");
  EXPECT_EQ(fault(build({.change =
                             [](auto& n) {
                               n.dilation_height = n.dilation_width = 2;
                               n.padding_top = n.padding_right = n.padding_bottom = n.padding_left = 2;
                             }})),
            "");
  EXPECT_EQ(fault(build({.filter = {6, 3, 3, 2},
                         .change =
                             [](auto& n) {
                               n.groups = 2;
                               n.group_input_channels = 2;
                               n.group_output_channels = 3;
                             }})),
            "");
  EXPECT_EQ(fault(build({.change = [](auto& n) { n.bias_id = UINT32_MAX; }})), "");

  EXPECT_THAT(fault(build({.out = {1, 8, 7, 6}})),
              AllOf(HasSubstr("node 0 (conv_2d)"), HasSubstr("is 1x8x6x6 by its operands, but declared as 1x8x7x6")));
  EXPECT_THAT(fault(build({.filter = {6, 3, 2, 4}})), HasSubstr("its weights are 6x3x2x4, not 6x3x3x4"));
  EXPECT_THAT(fault(build({.bias = {5}})), HasSubstr("bias has the shape 5 for 6 channels"));
  EXPECT_THAT(fault(build({.in = {8, 6, 4}})), HasSubstr("not 4 dimensions"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.subsampling_width = 0; }})), HasSubstr("stride is 1x0"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.dilation_height = 0; }})), HasSubstr("dilation is 0x1"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.kernel_height = 0; }})), HasSubstr("window is 0x3"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.padding_left = 1U << 31; }})), HasSubstr("padding is"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.dilation_height = 9; }})),
              HasSubstr("window doesn't fit the image"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.groups = 0; }})), HasSubstr("0 groups"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.groups = 1U << 30; }})), HasSubstr("groups of 4"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.group_input_channels = 3; }})),
              HasSubstr("takes 1 groups of 3 channels"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.flags = 4; }})), HasSubstr("flags 0x4"));
  EXPECT_THAT(fault(build({.change = [](auto& n) { n.filter_id = 0; }})), HasSubstr("weights"));
}

TEST(XnnpackNodes, ChecksDepthwiseAndTransposeConvolutions) {
  const auto depthwise = [](auto& n) {
    n.groups = 4;
    n.group_input_channels = 1;
    n.group_output_channels = 2;
  };
  EXPECT_EQ(fault(build({.kind = Kind::XNNDepthwiseConv2d,
                         .filter = {1, 3, 3, 8},
                         .bias = {8},
                         .out = {1, 8, 6, 8},
                         .change = depthwise})),
            "");
  EXPECT_THAT(fault(build({.kind = Kind::XNNDepthwiseConv2d,
                           .filter = {8, 3, 3, 1},
                           .bias = {8},
                           .out = {1, 8, 6, 8},
                           .change = depthwise})),
              HasSubstr("its weights are 8x3x3x1, not 1x3x3x8"));
  // The runtime divides by this number.
  EXPECT_THAT(fault(build({.kind = Kind::XNNDepthwiseConv2d, .change = [](auto& n) { n.group_input_channels = 0; }})),
              HasSubstr("0 to 6 channels"));

  const auto transpose = [](auto& n) {
    n.subsampling_height = n.subsampling_width = 2;
    n.adjustment_height = n.adjustment_width = 1;
  };
  EXPECT_EQ(fault(build({.kind = Kind::XNNConvTranspose2d, .out = {1, 16, 12, 6}, .change = transpose})), "");
  EXPECT_THAT(fault(build({.kind = Kind::XNNConvTranspose2d, .out = {1, 15, 12, 6}, .change = transpose})),
              HasSubstr("declared as 1x15x12x6"));
  EXPECT_THAT(fault(build({.kind = Kind::XNNConvTranspose2d,
                           .out = {1, 16, 12, 6},
                           .change = [](auto& n) { n.adjustment_height = 1; }})),
              HasSubstr("window doesn't fit"));
}

TEST(XnnpackNodes, ChecksQuantisedConvolutions) {
  const Convolution good{.type = kQint8, .filter_type = kQcint8, .bias_type = kQcint32};
  EXPECT_EQ(fault(build(good)), "");
  EXPECT_EQ(fault(build({.type = kQint8, .filter_type = kQint8, .bias_type = Type::xnn_datatype_qint32})), "");
  EXPECT_THAT(fault(build({.type = kQint8, .filter_type = kQcint8, .bias_type = kQcint32, .channel_dim = 3})),
              HasSubstr("scales along dimension 3"));
  EXPECT_THAT(fault(build({.type = kQint8, .bias_type = kQcint32})), HasSubstr("weights' type doesn't go with"));
  EXPECT_THAT(fault(build({.type = kQint8, .filter_type = kQcint8})), HasSubstr("bias' type doesn't go with"));

  const auto with = [&](const std::function<void(fb::XNNQuantizedTensorValueT&)>& change) {
    auto b = build(good);
    change(*b.graph.xvalues[1]->xvalue_union.AsXNNQuantizedTensorValue());
    return fault(b);
  };
  EXPECT_THAT(with([](auto& v) { v.quant_params.AsPerChannelQuant()->scale.resize(5); }),
              HasSubstr("5 scales for 6 channels"));
  EXPECT_THAT(with([](auto& v) { v.quant_params.AsPerChannelQuant()->scale[2] = 0; }),
              HasSubstr("isn't positive and finite"));
  EXPECT_THAT(
      with([](auto& v) { v.quant_params.AsPerChannelQuant()->scale[2] = std::numeric_limits<float>::infinity(); }),
      HasSubstr("isn't positive"));
  EXPECT_THAT(with([](auto& v) { v.quant_params.AsPerChannelQuant()->channel_dim = 4; }),
              HasSubstr("along dimension 4"));
  EXPECT_THAT(with([](auto& v) { v.quant_params.AsPerChannelQuant()->channel_dim = -1; }),
              HasSubstr("along dimension -1"));
  EXPECT_THAT(with([](auto& v) { v.quant_params.AsPerChannelQuant()->scale_buffer_idx = 1; }), HasSubstr(""))
      << "a real constant is read as scales";
  EXPECT_THAT(with([](auto& v) { v.quant_params.AsPerChannelQuant()->scale_buffer_idx = 9; }),
              HasSubstr("constant 9 of 3"));
  EXPECT_THAT(with([](auto& v) { v.quant_params.Reset(); }), HasSubstr("no scale"));
  EXPECT_THAT(with([](auto& v) { v.quant_params.Set(fb::PerTokenDynamicQuantT{}); }),
              HasSubstr("quantised by PerTokenDynamicQuant"));
  EXPECT_THAT(with([](auto& v) { v.tensor_value.reset(); }), HasSubstr("value 1: it is missing"));

  auto b = build(good);
  b.graph.xvalues[0]->xvalue_union.AsXNNQuantizedTensorValue()->quant_params.AsPerTensorQuant()->zero_point = 200;
  EXPECT_THAT(fault(b), HasSubstr("zero point 200"));
  b = build(good);
  b.graph.xvalues[0]->xvalue_union.AsXNNQuantizedTensorValue()->quant_params.AsPerTensorQuant()->scale = -1;
  EXPECT_THAT(fault(b), HasSubstr("the scale -1"));
  b = build({});
  b.tensor(0).dq_datatype = kQint8;
  EXPECT_THAT(fault(b), HasSubstr("quantised while the model runs"));
}

TEST(XnnpackNodes, ChecksElementwise) {
  const auto unary = [](Kind kind, const Dims& out, Type from, Type to) {
    GraphBuilder b;
    const auto in = b.input({1, 2, 3}, from);
    b.unary(kind, in, b.output(out, to));
    return fault(b);
  };
  constexpr auto kFloat = Type::xnn_datatype_fp32;
  EXPECT_EQ(unary(Kind::XNNHardswish, {1, 2, 3}, kFloat, kFloat), "");
  EXPECT_EQ(unary(Kind::XNNHardswish, {1, 2, 3}, kQint8, kQint8), "");
  EXPECT_EQ(unary(Kind::XNNConvert, {1, 2, 3}, kFloat, kQint8), "");
  EXPECT_THAT(unary(Kind::XNNHardswish, {1, 2, 3}, kFloat, kQint8), HasSubstr("differ in type"));
  EXPECT_THAT(unary(Kind::XNNSoftmax, {1, 2, 3}, kQint8, kQint8), HasSubstr("isn't fp32"));
  EXPECT_THAT(unary(Kind::XNNSigmoid, {1, 3, 2}, kFloat, kFloat), HasSubstr("declared as 1x3x2"));

  const auto binary = [](const Dims& a, const Dims& b, const Dims& out) {
    GraphBuilder graph;
    const auto first = graph.input(a);
    const auto second = graph.input(b);
    graph.binary(Kind::XNNAdd, first, second, graph.output(out));
    return fault(graph);
  };
  EXPECT_EQ(binary({2, 3}, {2, 3}, {2, 3}), "");
  EXPECT_EQ(binary({2, 3}, {1}, {2, 3}), "");
  EXPECT_EQ(binary({1, 3}, {4, 2, 1}, {4, 2, 3}), "");
  EXPECT_THAT(binary({2, 3}, {2, 4}, {2, 4}), HasSubstr("don't fit together"));
  EXPECT_THAT(binary({2, 3}, {2, 1}, {2, 1}), HasSubstr("declared as 2x1"));

  GraphBuilder b;
  const auto in = b.input({1, 4});
  b.unary(Kind::XNNClamp, in, b.output({1, 4}));
  b.graph.xnodes[0]->output_min_max = std::make_unique<fb::OutputMinMaxT>();
  b.graph.xnodes[0]->output_min_max->output_min = 1;
  EXPECT_THAT(fault(b), HasSubstr("limited to [1, 0]"));
  b.graph.xnodes[0]->output_min_max->output_min = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(fault(b), HasSubstr("limited to [nan"));
}

template <typename Table>
std::string single(Kind kind, const Dims& in, const Dims& out, const std::function<void(Table&)>& fill) {
  GraphBuilder b;
  const auto input = b.input(in);
  const auto output = b.output(out);
  auto& table = b.node<Table>(kind);
  table.input_id = input;
  table.output_id = output;
  fill(table);
  return fault(b);
}

TEST(XnnpackNodes, RefusesOperatorsThatItDoesNotKnow) {
  GraphBuilder b;
  const auto in = b.input({1, 4, 4, 2});
  const auto out = b.output({1, 2, 2, 2});
  auto& table = b.node<fb::XNNArgMaxPooling2dT>(Kind::XNNArgMaxPooling2d);
  table.input_id = in;
  table.output_value_id = out;
  EXPECT_THAT(fault(b),
              AllOf(HasSubstr("can't be run here"), HasSubstr("the operator XNNArgMaxPooling2d (21) isn't known")));
}

TEST(XnnpackNodes, ChecksPools) {
  const auto pool = [](Kind kind, const Dims& out, const std::function<void(fb::_XNNPooling2DT&)>& change) {
    return single<fb::_XNNPooling2DT>(kind, {1, 8, 6, 4}, out, [&](auto& t) {
      t.pooling_height = t.pooling_width = 3;
      t.stride_height = t.stride_width = 2;
      t.dilation_height = t.dilation_width = 1;
      t.padding_top = t.padding_left = 1;
      t.flags = 64;
      change(t);
    });
  };
  EXPECT_EQ(pool(Kind::XNNMaxPooling2d, {1, 4, 3, 4}, [](auto&) {}), "");
  EXPECT_EQ(pool(Kind::XNNAvgPooling2d, {1, 4, 3, 4}, [](auto& t) { t.dilation_height = t.dilation_width = 0; }), "");
  EXPECT_THAT(pool(Kind::XNNMaxPooling2d, {1, 5, 3, 4}, [](auto&) {}), HasSubstr("declared as 1x5x3x4"));
  EXPECT_THAT(pool(Kind::XNNMaxPooling2d, {1, 4, 3, 4}, [](auto& t) { t.stride_height = 0; }),
              HasSubstr("stride is 0x2"));
  EXPECT_THAT(pool(Kind::XNNMaxPooling2d, {1, 4, 3, 4}, [](auto& t) { t.padding_top = 3; }),
              HasSubstr("a window without a pixel"));
  // Windows needn't be as wide as the padding is where none lies within it, and may miss the image if they are.
  EXPECT_EQ(pool(Kind::XNNMaxPooling2d, {1, 2, 2, 4},
                 [](auto& t) {
                   t.padding_top = t.padding_left = 0;
                   t.stride_height = t.stride_width = 5;
                   t.padding_bottom = t.padding_right = 3;
                 }),
            "");
  const auto dilated = [&](unsigned top, unsigned bottom) {
    return pool(Kind::XNNMaxPooling2d, {1, 1 + (1 + top + bottom) / 2, 3, 4}, [=](auto& t) {
      t.padding_top = top;
      t.padding_bottom = bottom;
      t.pooling_height = 3;
      t.dilation_height = 3;
    });
  };
  EXPECT_EQ(dilated(6, 0), "");
  EXPECT_THAT(dilated(7, 0), HasSubstr("a window without a pixel"));
  EXPECT_EQ(dilated(0, 6), "");
  EXPECT_THAT(dilated(1, 8), HasSubstr("a window without a pixel"));
  EXPECT_THAT(pool(Kind::XNNMaxPooling2d, {1, 4, 3, 4}, [](auto& t) { t.dilation_height = 5; }),
              HasSubstr("larger than the image"));
  EXPECT_THAT(pool(Kind::XNNAvgPooling2d, {1, 4, 3, 4}, [](auto& t) { t.dilation_height = 2; }), HasSubstr("dilated"));

  const auto global = [](const Dims& in, const Dims& out, std::uint32_t flags) {
    return single<fb::_XNNNode1x1T>(Kind::XNNGlobalAvgPooling2d, in, out, [=](auto& t) { t.flags = flags; });
  };
  EXPECT_EQ(global({1, 8, 6, 4}, {1, 1, 1, 4}, 64), "");
  EXPECT_EQ(global({1, 8, 6, 4}, {1, 4}, 0), "");
  EXPECT_THAT(global({1, 8, 6, 4}, {1, 4}, 64), HasSubstr("declared as 1x4"));
  EXPECT_THAT(global({8, 4}, {1, 1}, 64), HasSubstr("not 4 dimensions"));
}

TEST(XnnpackNodes, ChecksShapeChanges) {
  const auto resize = [](const Dims& out, std::uint32_t flags) {
    return single<fb::XNNStaticResizeBilinear2DT>(Kind::XNNStaticResizeBilinear2D, {1, 8, 6, 4}, out, [=](auto& t) {
      t.new_height = 16;
      t.new_width = 3;
      t.flags = flags;
    });
  };
  EXPECT_EQ(resize({1, 16, 3, 4}, 0), "");
  EXPECT_EQ(resize({1, 16, 3, 4}, 8), "");
  EXPECT_THAT(resize({1, 16, 4, 4}, 0), HasSubstr("declared as 1x16x4x4"));
  EXPECT_THAT(resize({1, 16, 3, 4}, 12), HasSubstr("exclude each other"));
  EXPECT_THAT(resize({1, 16, 3, 4}, 1), HasSubstr("flags 0x1"));

  const auto transpose = [](const Dims& perm, const Dims& out) {
    return single<fb::XNNStaticTransposeT>(Kind::XNNStaticTranspose, {1, 8, 6, 4}, out,
                                           [&](auto& t) { t.perm = perm; });
  };
  EXPECT_EQ(transpose({0, 3, 1, 2}, {1, 4, 8, 6}), "");
  EXPECT_THAT(transpose({0, 3, 1, 1}, {1, 4, 8, 8}), HasSubstr("no permutation"));
  EXPECT_THAT(transpose({0, 3, 1, 40}, {1, 4, 8, 8}), HasSubstr("no permutation"));
  EXPECT_THAT(transpose({0, 2, 1}, {1, 6, 8}), HasSubstr("orders 3 of 4"));
  EXPECT_THAT(transpose(Dims(9), {1}), HasSubstr("too long"));

  const auto slice = [](const Dims& offsets, const Dims& sizes, const Dims& out) {
    return single<fb::XNNStaticSliceT>(Kind::XNNStaticSlice, {4, 6}, out, [&](auto& t) {
      t.offsets = offsets;
      t.sizes = sizes;
    });
  };
  EXPECT_EQ(slice({1, 0}, {3, 6}, {3, 6}), "");
  EXPECT_THAT(slice({2, 0}, {3, 6}, {3, 6}), HasSubstr("cuts 3 at 2 from dimension 0 of 4"));
  EXPECT_THAT(slice({UINT32_MAX, 0}, {3, 6}, {3, 6}), HasSubstr("cuts 3 at"));
  EXPECT_THAT(slice({1}, {3}, {3}), HasSubstr("1 of 2 dimensions"));

  const auto pad = [](const Dims& before, const Dims& after, const Dims& out) {
    return single<fb::XNNStaticConstantPadT>(Kind::XNNStaticConstantPad, {4, 6}, out, [&](auto& t) {
      t.pre_paddings = before;
      t.post_paddings = after;
    });
  };
  EXPECT_EQ(pad({1, 0}, {2, 3}, {7, 9}), "");
  EXPECT_THAT(pad({1, 0}, {2, 3}, {7, 8}), HasSubstr("declared as 7x8"));
  // The runtime copies as many numbers as the operand has dimensions.
  EXPECT_THAT(pad({1}, {2, 3}, {7, 9}), HasSubstr("pads 1 and 2 of 2"));
  EXPECT_THAT(pad({UINT32_MAX, 0}, {2, 3}, {1, 9}), HasSubstr("pads dimension 0"));

  const auto reshape = [](const Dims& shape, const Dims& out) {
    return single<fb::XNNStaticReshapeT>(Kind::XNNStaticReshape, {4, 6}, out, [&](auto& t) { t.new_shape = shape; });
  };
  EXPECT_EQ(reshape({2, 12}, {2, 12}), "");
  EXPECT_THAT(reshape({2, 13}, {2, 13}), HasSubstr("can't become 2x13"));
  EXPECT_EQ(reshape({2, 0}, {2, 12}), "");
  EXPECT_EQ(reshape({UINT32_MAX, 3}, {8, 3}), "");
  EXPECT_EQ(reshape({0}, {24}), "");
  EXPECT_THAT(reshape({2, 0}, {2, 11}), HasSubstr("declared as 2x11"));
  EXPECT_THAT(reshape({5, 0}, {5, 4}), HasSubstr("can't become 5x0"));
  EXPECT_THAT(reshape({0, 0}, {2, 12}), HasSubstr("several"));
}

TEST(XnnpackNodes, ChecksJoins) {
  const auto concatenate = [](const Dims& a, const Dims& b, const Dims& out, std::uint32_t axis) {
    GraphBuilder builder;
    const auto first = builder.input(a);
    const auto second = builder.input(b);
    const auto output = builder.output(out);
    auto& table = builder.node<fb::_XNNCatT>(Kind::XNNConcatenate2);
    table.axis = axis;
    table.input1_id = first;
    table.input2_id = second;
    table.output_id = output;
    return fault(builder);
  };
  EXPECT_EQ(concatenate({1, 2, 3}, {1, 2, 5}, {1, 2, 8}, 2), "");
  EXPECT_THAT(concatenate({1, 2, 3}, {1, 2, 5}, {1, 2, 7}, 2), HasSubstr("declared as 1x2x7"));
  EXPECT_THAT(concatenate({1, 2, 3}, {1, 3, 5}, {1, 2, 8}, 2), HasSubstr("doesn't fit the others"));
  EXPECT_THAT(concatenate({1, 2, 3}, {1, 2, 5}, {1, 2, 8}, 3), HasSubstr("axis is 3 of 3"));
  EXPECT_THAT(concatenate({1, 2, 3}, {2, 5}, {1, 2, 8}, 2), HasSubstr("differ in rank"));

  const auto multiply = [](const Dims& a, const Dims& b, const Dims& out) {
    GraphBuilder builder;
    const auto first = builder.input(a);
    const auto second = builder.input(b);
    builder.binary(Kind::XNNBatchMatrixMultiply, first, second, builder.output(out));
    return fault(builder);
  };
  EXPECT_EQ(multiply({2, 3, 4}, {2, 4, 5}, {2, 3, 5}), "");
  EXPECT_THAT(multiply({2, 3, 4}, {2, 5, 4}, {2, 3, 5}), HasSubstr("don't fit together"));

  const auto connect = [](const Dims& in, const Dims& filter, const Dims& out, std::uint32_t flags) {
    GraphBuilder builder;
    const auto input = builder.input(in);
    const auto weights = builder.constant(filter);
    const auto output = builder.output(out);
    auto& table = builder.node<fb::XNNFullyConnectedT>(Kind::XNNFullyConnected);
    table.input1_id = input;
    table.filter_id = weights;
    table.bias_id = UINT32_MAX;
    table.output_id = output;
    table.flags = flags;
    return fault(builder);
  };
  EXPECT_EQ(connect({2, 3, 4}, {5, 4}, {2, 3, 5}, 0), "");
  EXPECT_EQ(connect({2, 3, 4}, {4, 5}, {2, 3, 5}, 1), "");
  EXPECT_THAT(connect({2, 3, 4}, {4, 5}, {2, 3, 5}, 0), HasSubstr("doesn't go with its weights"));
  EXPECT_THAT(connect({2, 3, 4}, {5, 4}, {2, 3, 6}, 0), HasSubstr("declared as 2x3x6"));
  EXPECT_THAT(connect({2, 3, 4}, {5, 2, 2}, {2, 3, 5}, 0), HasSubstr("not 2 dimensions"));
}

}  // namespace
}  // namespace silhouette::pte::xnnpack
