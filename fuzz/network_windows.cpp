#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "fuzz/network_maker.hpp"

namespace silhouette::fuzz {
namespace {

/// One side of what a window makes, and of what a transposed one does; 0 if there is nothing.
unsigned window_side(unsigned side, unsigned padding, unsigned kernel, unsigned stride, unsigned dilation) {
  const unsigned reach = (kernel - 1) * dilation + 1;
  return side + padding < reach ? 0 : (side + padding - reach) / stride + 1;
}

/// Whether each window has a pixel.
bool meets_pixels(unsigned windows, unsigned side, unsigned kernel, unsigned stride, unsigned dilation,
                  unsigned padding) {
  for (unsigned window = 0; window < windows; ++window) {
    bool meets = false;
    for (unsigned tap = 0; tap < kernel; ++tap) {
      const unsigned at = window * stride + tap * dilation;
      meets = meets || (at >= padding && at - padding < side);
    }
    if (!meets) return false;
  }
  return true;
}

unsigned transposed_side(unsigned side, unsigned padding, unsigned kernel, unsigned stride, unsigned dilation,
                         unsigned adjustment) {
  const unsigned whole = (side - 1) * stride + (kernel - 1) * dilation + 1 + adjustment;
  return whole <= padding ? 0 : whole - padding;
}

Dims window_result(const xnn::_XNNNodeConvT& node, const Dims& from, unsigned channels) {
  return {1,
          window_side(from[1], node.padding_top + node.padding_bottom, node.kernel_height, node.subsampling_height,
                      node.dilation_height),
          window_side(from[2], node.padding_left + node.padding_right, node.kernel_width, node.subsampling_width,
                      node.dilation_width),
          channels};
}

}  // namespace

/// A window with whatever fits to kernels of this size.
void WindowMaker::window(xnn::_XNNNodeConvT& node, unsigned kernel_height, unsigned kernel_width) {
  node.kernel_height = kernel_height;
  node.kernel_width = kernel_width;
  node.dilation_height = node.dilation_width = in_.one_in(4) ? number(2, 6) : 1;
  if (in_.one_in(8)) node.dilation_width = number(1, 4);
  node.subsampling_height = node.subsampling_width = in_.one_in(4) ? number(2, 4) : 1;
  if (in_.one_in(8)) node.subsampling_width = number(1, 4);
  if (in_.one_in(3)) {
    for (unsigned* side : {&node.padding_top, &node.padding_right, &node.padding_bottom, &node.padding_left})
      *side = number(0, 7);
  } else {
    node.padding_top = node.padding_bottom = node.dilation_height * (kernel_height - 1) / 2;
    node.padding_left = node.padding_right = node.dilation_width * (kernel_width - 1) / 2;
  }
}

std::pair<unsigned, unsigned> WindowMaker::kernel() {
  if (in_.one_in(4)) return {number(1, 9), number(1, 9)};
  static constexpr std::array kSizes{1U, 3U, 3U, 5U, 2U};
  const unsigned size = in_.pick(kSizes);
  return {size, size};
}

void WindowMaker::add_convolution(Kind kind, const xnn::_XNNNodeConvT& shape, Id id, const Dims& weights,
                                  const Dims& to) {
  const unsigned channels = to[3];
  const std::uint64_t depth = std::uint64_t{shape.kernel_height} * shape.kernel_width * shape.group_input_channels;
  if (!fits(to) || !fits(weights) || count(to) * depth > kMostMultiplyAdds) return;
  // Results are about as large as operands.
  const float scale = std::sqrt(3.0F / static_cast<float>(depth));
  const Id filter = constant(weights, -scale, scale);
  const Id bias = in_.one_in(4) ? kNone : constant({channels}, -1, 1);
  const Id result = builder_.inner(to);
  auto& node = builder_.node<xnn::_XNNNodeConvT>(kind);
  node = shape;
  node.input1_id = id;
  node.filter_id = filter;
  node.bias_id = bias;
  node.output_id = result;
  limit_perhaps();
  made(result);
}

void WindowMaker::convolution(Id id) {
  const Dims from = dims(id);
  if (!is_image(from)) return;
  xnn::_XNNNodeConvT shape;
  const auto [height, width] = kernel();
  window(shape, height, width);
  shape.groups = 1;
  if (in_.one_in(4)) {
    const unsigned groups = number(2, 8);
    if (from[3] % groups == 0) shape.groups = groups;
  }
  shape.group_input_channels = from[3] / shape.groups;
  shape.group_output_channels = shape.groups > 1 ? number(1, 8) : number(1, 48);
  const unsigned channels = shape.groups * shape.group_output_channels;
  add_convolution(Kind::XNNConv2d, shape, id, {channels, height, width, shape.group_input_channels},
                  window_result(shape, from, channels));
}

void WindowMaker::depthwise(Id id) {
  const Dims from = dims(id);
  if (!is_image(from)) return;
  xnn::_XNNNodeConvT shape;
  const auto [height, width] = kernel();
  window(shape, height, width);
  shape.groups = from[3];
  shape.group_input_channels = 1;
  shape.group_output_channels = in_.one_in(6) ? number(2, 3) : 1;
  const unsigned channels = shape.groups * shape.group_output_channels;
  add_convolution(Kind::XNNDepthwiseConv2d, shape, id, {1, height, width, channels},
                  window_result(shape, from, channels));
}

void WindowMaker::transpose_convolution(Id id) {
  const Dims from = dims(id);
  if (!is_image(from)) return;
  xnn::_XNNNodeConvT shape;
  const unsigned height = number(1, 4);
  const unsigned width = number(1, 4);
  window(shape, height, width);
  shape.adjustment_height = in_.one_in(3) ? shape.subsampling_height - 1 : 0;
  shape.adjustment_width = in_.one_in(3) ? shape.subsampling_width - 1 : 0;
  shape.groups = in_.one_in(4) && from[3] % 3 == 0 ? 3 : 1;
  shape.group_input_channels = from[3] / shape.groups;
  shape.group_output_channels = number(1, 12);
  const unsigned channels = shape.groups * shape.group_output_channels;
  const Dims to{1,
                transposed_side(from[1], shape.padding_top + shape.padding_bottom, height, shape.subsampling_height,
                                shape.dilation_height, shape.adjustment_height),
                transposed_side(from[2], shape.padding_left + shape.padding_right, width, shape.subsampling_width,
                                shape.dilation_width, shape.adjustment_width),
                channels};
  add_convolution(Kind::XNNConvTranspose2d, shape, id, {channels, height, width, shape.group_input_channels}, to);
}

void WindowMaker::pool(Id id) {
  const Dims from = dims(id);
  if (!is_image(from)) return;
  const bool average = in_.one_in(2);
  xnn::_XNNNodeConvT shape;
  const unsigned height = number(1, 6);
  const unsigned width = number(1, 6);
  window(shape, height, width);
  if (average) shape.dilation_height = shape.dilation_width = 1;
  const Dims to = window_result(shape, from, from[3]);
  if (!fits(to)) return;
  if (!meets_pixels(to[1], from[1], height, shape.subsampling_height, shape.dilation_height, shape.padding_top)) return;
  if (!meets_pixels(to[2], from[2], width, shape.subsampling_width, shape.dilation_width, shape.padding_left)) return;
  const Id result = builder_.inner(to);
  auto& node = builder_.node<xnn::_XNNPooling2DT>(average ? Kind::XNNAvgPooling2d : Kind::XNNMaxPooling2d);
  node.padding_top = shape.padding_top;
  node.padding_right = shape.padding_right;
  node.padding_bottom = shape.padding_bottom;
  node.padding_left = shape.padding_left;
  node.pooling_height = shape.kernel_height;
  node.pooling_width = shape.kernel_width;
  node.stride_height = shape.subsampling_height;
  node.stride_width = shape.subsampling_width;
  node.dilation_height = shape.dilation_height;
  node.dilation_width = shape.dilation_width;
  node.input_id = id;
  node.output_id = result;
  limit_perhaps();
  made(result);
}

void WindowMaker::global_pool(Id id) {
  const Dims from = dims(id);
  if (!is_image(from)) return;
  constexpr unsigned kKeepDims = 0x40;
  const bool keep = !in_.one_in(3);
  const Id result = builder_.inner(keep ? Dims{1, 1, 1, from[3]} : Dims{1, from[3]});
  builder_.unary(Kind::XNNGlobalAvgPooling2d, id, result, keep ? kKeepDims : 0);
  made(result);
}

}  // namespace silhouette::fuzz
