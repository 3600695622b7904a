#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "engine/native/movement/gather.hpp"
#include "engine/native/planning/choice.hpp"
#include "engine/native/products/groups.hpp"
#include "engine/native/products/product.hpp"

namespace silhouette::native {
namespace {

using graph::Node;

/// Of a transposed convolution's lines, with room for what networks have.
constexpr std::int64_t kMostStretches = 1 << 19;
/// Of all their lists together.
constexpr std::int64_t kMostTaps = 1 << 23;

/// How many of a transposed convolution's taps in one direction a result meets, at most.
std::int64_t taps_met(std::int64_t kernel, std::int64_t stride, std::int64_t dilation) {
  const std::int64_t step = stride / std::gcd(stride, dilation);
  return (kernel + step - 1) / step;
}

/// Of a transposed convolution that is made as a product and spread, with room for what networks have.
constexpr std::int64_t kMostSpread = 256;

/// Whether it is of images, with constant weights.
bool is_image_product(const Network& network, const Node& node) {
  return network.image(node.inputs[0]) && network.image(node.output) && network.has_constant_weights(node);
}

/// The node's, with the weights' sizes.
graph::Window window_of(const Network& network, const Node& node) {
  const auto& dims = network.tensor(node.inputs[1]).dims;
  graph::Window window = node.window;
  window.kernel_height = dims[1];
  window.kernel_width = dims[2];
  return window;
}

GroupShape group_shape(const Network& network, const Node& node) {
  const auto& dims = network.tensor(node.inputs[1]).dims;
  const auto groups = static_cast<std::size_t>(node.window.groups);
  return {.groups = groups,
          .channels = static_cast<std::size_t>(dims[3]),
          .columns = static_cast<std::size_t>(dims[0]) / groups,
          .taps = static_cast<std::size_t>(dims[1] * dims[2]),
          .block = network.block()};
}

/// A transposed convolution gives every `stride`th pixel by an ordinary convolution with some of the taps: each line of
/// the result is as many stretches as there are columns' phases, without the pixels at the edges that meet fewer taps.
class TransposedLines {
 public:
  TransposedLines(const graph::Window& window, const ImageShape& in, const ImageShape& out, std::size_t block)
      : window_(window), in_(in), out_(out), block_(static_cast<std::int64_t>(block)) {
    for (std::int64_t y = 0; y < out.height; ++y) add_line(y);
  }

  std::vector<Segment> segments;
  std::vector<std::vector<Tap>> tables;

 private:
  /// A tap of one direction and the input's pixel that it is multiplied with.
  struct Met {
    std::int64_t tap = 0;
    std::int64_t at = 0;
  };

  /// The taps that reach result `i`, whether there is input or not.
  static std::vector<Met> taps_at(std::int64_t i, std::int64_t pad, std::int64_t kernel, std::int64_t stride,
                                  std::int64_t dilation) {
    std::vector<Met> result;
    for (std::int64_t tap = 0; tap < kernel; ++tap) {
      const std::int64_t reach = i + pad - tap * dilation;
      if (reach % stride == 0) result.push_back({.tap = tap, .at = reach / stride});
    }
    return result;
  }

  void add_line(std::int64_t y) {
    auto rows = taps_at(y, window_.pad_top, window_.kernel_height, window_.stride_height, window_.dilation_height);
    std::erase_if(rows, [&](const Met& met) { return met.at < 0 || met.at >= in_.height; });
    for (std::int64_t x = 0; x < std::min(window_.stride_width, out_.width); ++x) add_phase(y, x, rows);
  }

  /// Pixels x, x + stride, … of line y.
  void add_phase(std::int64_t y, std::int64_t x, const std::vector<Met>& rows) {
    const std::int64_t stride = window_.stride_width;
    const std::int64_t count = (out_.width - x + stride - 1) / stride;
    const auto columns =
        taps_at(x, window_.pad_left, window_.kernel_width, window_.stride_width, window_.dilation_width);
    std::vector<std::int64_t> cuts{0, count};
    for (const Met& column : columns) {
      cuts.push_back(std::clamp<std::int64_t>(-column.at, 0, count));
      cuts.push_back(std::clamp<std::int64_t>(in_.width - column.at, 0, count));
    }
    std::ranges::sort(cuts);
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      if (cuts[i] == cuts[i + 1]) continue;
      std::vector<Met> met = columns;
      std::erase_if(met,
                    [&](const Met& column) { return column.at + cuts[i] < 0 || column.at + cuts[i + 1] > in_.width; });
      add_segment(y, x + cuts[i] * stride, cuts[i], cuts[i + 1] - cuts[i], rows, met);
    }
  }

  void add_segment(std::int64_t y, std::int64_t x, std::int64_t first, std::int64_t count, const std::vector<Met>& rows,
                   const std::vector<Met>& columns) {
    Segment segment{.a = 0,
                    .row = static_cast<std::size_t>(y * out_.width + x),
                    .rows = static_cast<std::size_t>(count),
                    .table = 0};
    std::vector<Tap> taps;
    for (const Met& row : rows) {
      for (const Met& column : columns) {
        const std::int64_t a = (row.at * in_.width + column.at + first) * block_;
        if (taps.empty()) segment.a = distance(a);
        taps.push_back({.a = distance(a - segment.a),
                        .index = static_cast<std::size_t>(row.tap * window_.kernel_width + column.tap)});
      }
    }
    std::vector<std::int64_t> key;
    for (const Tap& tap : taps) {
      key.push_back(tap.a);
      key.push_back(static_cast<std::int64_t>(tap.index));
    }
    const auto [found, is_new] = numbers_.try_emplace(std::move(key), tables.size());
    if (is_new) tables.push_back(taps);
    segment.table = found->second;
    segments.push_back(segment);
  }

  graph::Window window_;
  ImageShape in_;
  ImageShape out_;
  std::int64_t block_;
  std::map<std::vector<std::int64_t>, std::size_t> numbers_;  ///< of tables
};

}  // namespace

bool is_spread_product(const Network& network, const Node& node) {
  if (!is_image_product(network, node)) return false;
  const auto& dims = network.tensor(node.inputs[1]).dims;
  const graph::Window& window = node.window;
  const ImageShape in = *network.image(node.inputs[0]);
  const ImageShape out = *network.image(node.output);
  return window.groups == 1 && has_no_padding(window) && window.dilation_height == 1 && window.dilation_width == 1 &&
         dims[1] == window.stride_height && dims[2] == window.stride_width && out.height == in.height * dims[1] &&
         out.width == in.width * dims[2] && 4 * out.channels <= static_cast<std::int64_t>(network.block()) &&
         dims[0] * dims[1] * dims[2] <= kMostSpread;
}

/// A transposed convolution whose every result meets one tap and whose channels would fill a small part of a panel: all
/// taps' results for one pixel are one row of a product, which is spread over the pixels and planes that they belong
/// to.
void emit(Builder& builder, const Node& node, const choice::SpreadProduct& /*chosen*/) {
  const auto& dims = builder.tensor(node.inputs[1]).dims;
  const ImageShape in = *builder.image(node.inputs[0]);
  const ImageShape out = *builder.image(node.output);
  const std::int64_t columns = dims[0] * dims[1] * dims[2];
  const std::size_t block = builder.block();
  const std::size_t channel_blocks = builder.blocks(in.channels);
  const auto pixels = static_cast<std::size_t>(in.pixels());
  const auto taps = static_cast<std::size_t>(dims[1] * dims[2]);
  Product::Geometry g;
  g.panels = {.columns = static_cast<std::size_t>(columns),
              .taps = 1,
              .channels = static_cast<std::size_t>(in.channels),
              .tap_channels = channel_blocks * block,
              .block = block};
  g.a = builder.view(node.inputs[0], Layout::kBlocked);
  g.weights = add_panels(builder, g.panels, builder.tensor(node.inputs[1]).constant.values.data(), g.panels.channels,
                         g.panels.channels);
  std::vector<float> bias;
  for (const float value : builder.bias(node)) bias.insert(bias.end(), taps, value);
  const std::size_t room = g.panels.panels() * 2 * block;
  g.bias = builder.add_weights(room, 1, [bias, room](float* destination, std::size_t) {
    std::ranges::fill(std::ranges::copy(bias, destination).out, destination + room, 0.0F);
    return true;
  });
  g.row_stride = static_cast<std::ptrdiff_t>(block);
  g.chunk_stride = static_cast<std::ptrdiff_t>(pixels * block);
  g.chunk_length = block;
  g.chunks = channel_blocks;
  g.c = builder.add_buffer(g.panels.column_blocks() * pixels * block);
  g.c_block_stride = g.chunk_stride;
  g.epilogue = epilogue(node.activation);
  const std::int64_t work = in.pixels() * static_cast<std::int64_t>(g.panels.tap_channels) * columns;
  auto step = std::make_unique<Product>(
      builder.kernels(), g, std::vector<Segment>{{.a = 0, .row = 0, .rows = pixels, .table = 0}},
      std::vector<std::vector<Tap>>{{{.a = 0, .index = 0}}}, builder.task_count(work));
  step->multiply_adds = work;
  step->name = fmt::format("transposed convolution {}x{} as a product {}x{}x{} -> {}", dims[1], dims[2], out.height,
                           out.width, in.channels, out.channels);
  builder.add_step(std::move(step));

  const View to = builder.result(node.output, Layout::kPlanar);
  std::vector<Box> boxes;
  for (std::int64_t column = 0; column < columns; ++column) {
    const auto index = static_cast<std::size_t>(column);
    const std::int64_t channel = column / (dims[1] * dims[2]);
    const std::int64_t ky = column / dims[2] % dims[1];
    const std::int64_t kx = column % dims[2];
    boxes.push_back(
        {.from = g.c.at(index / block * pixels * block + index % block),
         .to = to.at(static_cast<std::size_t>((channel * out.height + ky) * out.width + kx)),
         .loops = {{.count = in.height, .from = in.width * static_cast<std::int64_t>(block), .to = dims[1] * out.width},
                   {.count = in.width, .from = static_cast<std::int64_t>(block), .to = dims[2]}}});
  }
  // One plane's values are in the order of pixels, too.
  if (out.channels == 1) builder.define(node.output, Layout::kDense, to);
  add_rest(builder, to, out.pixels() * out.channels, boxes);
  add_gather(builder, fmt::format("spread {}x{}x{}", out.height, out.width, out.channels), boxes);
}

bool is_transposed_lines(const Network& network, const Node& node) {
  if (!is_image_product(network, node)) return false;
  const auto in = network.image(node.inputs[0]);
  const auto out = network.image(node.output);
  const graph::Window window = window_of(network, node);
  const std::size_t most_parts = window.groups == 1 ? 1 : most_group_parts(group_shape(network, node));
  // A stretch is some bytes, whatever it does: a small file mustn't ask for a great many.
  const std::int64_t phases = out->height * std::min(window.stride_width, out->width);
  const std::int64_t lines_met = taps_met(window.kernel_height, window.stride_height, window.dilation_height);
  const std::int64_t columns_met = taps_met(window.kernel_width, window.stride_width, window.dilation_width);
  const std::int64_t taps = std::min(lines_met, in->height) * std::min(columns_met, in->width);
  return window.kernel_height * window.kernel_width <= kMostStretches && phases <= kMostStretches &&
         phases * (2 * columns_met + 1) <= kMostStretches / static_cast<std::int64_t>(most_parts) &&
         phases * (2 * columns_met + 1) * taps <= kMostTaps / static_cast<std::int64_t>(most_parts) &&
         phases * window.kernel_width + out->height * window.kernel_height <= kMostTaps;
}

void emit(Builder& builder, const Node& node, const choice::TransposedLines& /*chosen*/) {
  const auto in = builder.image(node.inputs[0]);
  const auto out = builder.image(node.output);
  const auto& dims = builder.tensor(node.inputs[1]).dims;
  const std::size_t block = builder.block();
  const graph::Window window = window_of(builder, node);
  TransposedLines lines(window, *in, *out, block);
  Product::Geometry g;
  g.a = builder.view(node.inputs[0], Layout::kBlocked);
  g.row_stride = static_cast<std::ptrdiff_t>(block);
  g.chunk_stride = distance(in->pixels() * static_cast<std::ptrdiff_t>(block));
  g.c = builder.result(node.output, Layout::kBlocked);
  g.c_block_stride = distance(out->pixels() * static_cast<std::ptrdiff_t>(block));
  g.c_row_step = distance(window.stride_width);
  g.epilogue = epilogue(node.activation);
  auto step = make_group_products(builder, node, group_shape(builder, node), g, lines.segments, lines.tables);
  step->name = fmt::format("transposed convolution {}x{} s{} {}x{}x{} -> {}", dims[1], dims[2], window.stride_height,
                           out->height, out->width, in->channels, out->channels);
  if (window.groups > 1) step->name += fmt::format(", {} groups", window.groups);
  builder.add_step(std::move(step));
}

}  // namespace silhouette::native
