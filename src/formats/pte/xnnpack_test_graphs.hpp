#pragma once

#include <functional>
#include <string>

#include "formats/pte/test_models.hpp"
#include "formats/pte/xnnpack.hpp"

namespace silhouette::pte::xnnpack {

/// The fault of a graph, or an empty text.
inline std::string fault(const test::GraphBuilder& builder) {
  const auto graph = read_graph(builder.payload(), {}, "delegate 0", messages_of("m.pte"));
  return graph ? "" : graph.error().message;
}

/// A 3x3 convolution of an 8x6 image that is sound unless members are changed.
struct Convolution {
  fb_xnnpack::XNodeUnion kind = fb_xnnpack::XNodeUnion::XNNConv2d;
  test::Dims in{1, 8, 6, 4};
  test::Dims filter{6, 3, 3, 4};
  test::Dims bias{6};
  test::Dims out{1, 8, 6, 6};
  std::function<void(fb_xnnpack::_XNNNodeConvT&)> change = [](auto&) {};
  test::Type type = test::Type::xnn_datatype_fp32;
  test::Type filter_type = test::Type::xnn_datatype_fp32;
  test::Type bias_type = test::Type::xnn_datatype_fp32;
  int channel_dim = 0;
};

inline test::GraphBuilder build(const Convolution& c) {
  test::GraphBuilder b;
  const auto in = b.input(c.in, c.type);
  const auto filter = b.constant(c.filter, c.filter_type, c.channel_dim);
  const auto bias = b.constant(c.bias, c.bias_type);
  const auto out = b.output(c.out, c.type);
  auto& node = b.node<fb_xnnpack::_XNNNodeConvT>(c.kind);
  node.padding_top = node.padding_right = node.padding_bottom = node.padding_left = 1;
  node.kernel_height = node.kernel_width = 3;
  node.subsampling_height = node.subsampling_width = 1;
  node.dilation_height = node.dilation_width = 1;
  node.groups = 1;
  node.group_input_channels = 4;
  node.group_output_channels = 6;
  node.input1_id = in;
  node.filter_id = filter;
  node.bias_id = bias;
  node.output_id = out;
  c.change(node);
  return b;
}

}  // namespace silhouette::pte::xnnpack
