#include <fmt/format.h>

#include <algorithm>

#include "engine/native/depthwise/depthwise.hpp"
#include "engine/native/planning/builder.hpp"
#include "engine/native/products/groups.hpp"
#include "engine/native/products/product.hpp"

namespace silhouette::native {
namespace {

using graph::Node;
using graph::Op;

/// What a convolution reads and gives.
struct Shapes {
  ImageShape in;
  ImageShape out;
  std::size_t kernel_height = 0;
  std::size_t kernel_width = 0;
  std::size_t group_channels = 0;  ///< input channels of a group
};

/// Below this share of taps that meet data it is worth while to go without the others, in pieces of rows.
constexpr double kSparse = 0.75;

struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// The results whose tap at `offset` (dilation × tap − padding) meets one of `input` pixels.
Range meeting(std::int64_t offset, std::int64_t stride, std::int64_t input, std::int64_t output) {
  const std::int64_t begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const std::int64_t last = input - 1 - offset;
  const std::int64_t end = last < 0 ? 0 : last / stride + 1;
  return {std::min(begin, output), std::clamp(end, std::min(begin, output), output)};
}

/// For every result of a line: the taps that meet data, in stretches of results that have the same ones.
struct Stretch {
  Range results;
  std::vector<std::int64_t> taps;
};

std::vector<Stretch> stretches(std::int64_t kernel, std::int64_t dilation, std::int64_t pad, std::int64_t stride,
                               std::int64_t input, std::int64_t output) {
  std::vector<std::int64_t> cuts{0, output};
  std::vector<Range> ranges;
  for (std::int64_t tap = 0; tap < kernel; ++tap) {
    ranges.push_back(meeting(tap * dilation - pad, stride, input, output));
    cuts.push_back(ranges.back().begin);
    cuts.push_back(ranges.back().end);
  }
  std::ranges::sort(cuts);
  const auto repeated = std::ranges::unique(cuts);
  cuts.erase(repeated.begin(), repeated.end());
  std::vector<Stretch> result;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    Stretch stretch{.results = {cuts[i], cuts[i + 1]}, .taps = {}};
    for (std::int64_t tap = 0; tap < kernel; ++tap) {
      const Range& range = ranges[static_cast<std::size_t>(tap)];
      if (range.begin <= cuts[i] && cuts[i + 1] <= range.end) stretch.taps.push_back(tap);
    }
    result.push_back(std::move(stretch));
  }
  return result;
}

/// What lists of in-map taps would come to, at most: a small file mustn't ask for a great many.
constexpr std::int64_t kMostInMapTaps = 1 << 22;

std::int64_t in_map_taps(const Shapes& shapes) {
  // Sets of taps change at each tap's two ends, if results are that many.
  const auto kernel_height = static_cast<std::int64_t>(shapes.kernel_height);
  const auto kernel_width = static_cast<std::int64_t>(shapes.kernel_width);
  const std::int64_t lines = std::min(2 * kernel_height + 1, shapes.out.height) * kernel_height;
  const std::int64_t columns = std::min(2 * kernel_width + 1, shapes.out.width) * kernel_width;
  return lines > kMostInMapTaps / std::max<std::int64_t>(columns, 1) ? kMostInMapTaps + 1 : lines * columns;
}

/// Copies an image into the middle of a larger one of zeros, or of pixels between zeros: block by block or, from
/// planes, pixel by pixel.
class Frame2D final : public Step {
 public:
  Frame2D(View from, View to, const ImageShape& shape, std::int64_t top, std::int64_t left, std::int64_t height,
          std::int64_t width, std::size_t step, std::size_t planes)
      : from_(from), to_(to), shape_(shape), top_(top), left_(left), width_(width), step_(step), height_(height) {
    planes_ = planes;
    tasks = planes * static_cast<std::size_t>(height);
    reads = {from.buffer};
    writes = {to.buffer};
    name = "frame";
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t plane = task / static_cast<std::size_t>(height_);
    const auto y = static_cast<std::int64_t>(task % static_cast<std::size_t>(height_));
    float* const row = frame.to(to_) + task * static_cast<std::size_t>(width_) * step_;
    const std::int64_t from_y = y - top_;
    const std::size_t all = static_cast<std::size_t>(width_) * step_;
    const std::size_t left = std::min(static_cast<std::size_t>(left_) * step_, all);
    // Strides may leave pixels at the right that no tap meets.
    const std::size_t line = static_cast<std::size_t>(shape_.width) * step_;
    const std::size_t inner = std::min(line, all - left);
    if (from_y < 0 || from_y >= shape_.height) {
      std::fill_n(row, all, 0.0F);
      return;
    }
    const float* const source =
        frame.from(from_) + (plane * static_cast<std::size_t>(shape_.height) + static_cast<std::size_t>(from_y)) * line;
    std::fill_n(row, left, 0.0F);
    std::copy_n(source, inner, row + left);
    std::fill(row + left + inner, row + all, 0.0F);
  }

 private:
  View from_;
  View to_;
  ImageShape shape_;
  std::int64_t top_;
  std::int64_t left_;
  std::int64_t width_;
  std::size_t step_;
  std::int64_t height_;
  std::size_t planes_ = 0;
};

/// Known at compile time, the number of planes makes this a few shuffles for every vector.
template <std::size_t kPlanes>
void interleave(const float* planes, std::size_t plane, std::size_t pixels, float* to) {
  for (std::size_t x = 0; x < pixels; ++x) {
    for (std::size_t c = 0; c < kPlanes; ++c) to[x * kPlanes + c] = planes[c * plane + x];
  }
}

/// The few planes of a network's input, interleaved pixel by pixel between zeros.
class Interleave final : public Step {
 public:
  Interleave(View from, View to, const ImageShape& shape, std::int64_t top, std::int64_t left, std::int64_t height,
             std::int64_t width)
      : from_(from), to_(to), shape_(shape), top_(top), left_(left), width_(width) {
    tasks = static_cast<std::size_t>(height);
    reads = {from.buffer};
    writes = {to.buffer};
    name = "interleave";
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const auto channels = static_cast<std::size_t>(shape_.channels);
    float* const row = frame.to(to_) + task * static_cast<std::size_t>(width_) * channels;
    std::fill_n(row, static_cast<std::size_t>(width_) * channels, 0.0F);
    const std::int64_t y = static_cast<std::int64_t>(task) - top_;
    if (y < 0 || y >= shape_.height) return;
    const float* const source = frame.from(from_) + y * shape_.width;
    const std::int64_t left = std::min(left_, width_);
    float* const first = row + static_cast<std::size_t>(left) * channels;
    const auto plane = static_cast<std::size_t>(shape_.pixels());
    // Strides may leave pixels at the right that no tap meets.
    const auto pixels = static_cast<std::size_t>(std::min(shape_.width, width_ - left));
    switch (channels) {
      case 1: return interleave<1>(source, plane, pixels, first);
      case 2: return interleave<2>(source, plane, pixels, first);
      case 3: return interleave<3>(source, plane, pixels, first);
      default: return interleave<4>(source, plane, pixels, first);
    }
  }

 private:
  View from_;
  View to_;
  ImageShape shape_;
  std::int64_t top_;
  std::int64_t left_;
  std::int64_t width_;
};

/// Size of the image with its zeros around it: as far as taps reach.
std::int64_t framed_height(const graph::Window& window, const Shapes& shapes) {
  return (shapes.out.height - 1) * window.stride_height +
         (static_cast<std::int64_t>(shapes.kernel_height) - 1) * window.dilation_height + 1;
}
std::int64_t framed_width(const graph::Window& window, const Shapes& shapes) {
  return (shapes.out.width - 1) * window.stride_width +
         (static_cast<std::int64_t>(shapes.kernel_width) - 1) * window.dilation_width + 1;
}

/// Whether a convolution has so few input channels that they are best read pixel by pixel.
bool is_interleaved(const Node& node, const Shapes& shapes, std::size_t block) {
  return shapes.in.channels < static_cast<std::int64_t>(block) && shapes.in.channels <= 4 && node.window.groups == 1 &&
         node.window.dilation_width == 1 && (shapes.kernel_width > 1 || shapes.kernel_height > 1) &&
         // Not if it is zeros for the most part.
         framed_height(node.window, shapes) * framed_width(node.window, shapes) <= 4 * shapes.in.pixels() + 4096;
}

bool is_pointwise(const Node& node, const Shapes& shapes) {
  return shapes.kernel_height * shapes.kernel_width == 1 && has_no_padding(node.window);
}

/// Whether so many taps meet data that all are taken, with zeros around the image.
bool meets_most(const Builder& builder, const Node& node, const Shapes& shapes) {
  const std::int64_t all =
      shapes.out.pixels() * shapes.out.channels *
      static_cast<std::int64_t>(shapes.kernel_height * shapes.kernel_width * shapes.group_channels);
  return static_cast<double>(graph::multiply_adds(builder.graph(), node)) > kSparse * static_cast<double>(all);
}

/// Segments of all products of one grouped convolution, at most.
constexpr std::size_t kMostGroupSegments = 1 << 20;

GroupShape group_shape(const Node& node, const Shapes& shapes, std::size_t block) {
  const auto groups = static_cast<std::size_t>(node.window.groups);
  return {.groups = groups,
          .channels = shapes.group_channels,
          .columns = static_cast<std::size_t>(shapes.out.channels) / groups,
          .taps = shapes.kernel_height * shapes.kernel_width,
          .block = block};
}

/// Builds the product (or products, of groups) of one convolution.
class Convolution {
 public:
  /// `depthwise`: what alone reads the result, if it is to be made along with it.
  Convolution(Builder& builder, const Node& node, const Shapes& shapes, const Node* depthwise)
      : builder_(builder), node_(node), shapes_(shapes), block_(builder.block()), depthwise_(depthwise) {
    kernels_ = &builder.kernels();
  }

  void build() {
    if (is_interleaved(node_, shapes_, block_)) {
      build_interleaved();
    } else {
      build_blocked();
    }
  }

 private:
  [[nodiscard]] const graph::Window& window() const { return node_.window; }
  [[nodiscard]] std::size_t taps() const { return shapes_.kernel_height * shapes_.kernel_width; }

  [[nodiscard]] std::int64_t framed_height() const { return native::framed_height(window(), shapes_); }
  [[nodiscard]] std::int64_t framed_width() const { return native::framed_width(window(), shapes_); }

  /// One segment a line of the result; the input's lines are `line` floats apart.
  [[nodiscard]] std::vector<Segment> row_segments(std::ptrdiff_t line) const {
    std::vector<Segment> segments;
    const auto width = static_cast<std::size_t>(shapes_.out.width);
    for (std::int64_t y = 0; y < shapes_.out.height; ++y) {
      segments.push_back({.a = y * window().stride_height * line,
                          .row = static_cast<std::size_t>(y) * width,
                          .rows = width,
                          .table = 0});
    }
    return segments;
  }

  [[nodiscard]] std::string name(const char* how) const {
    return fmt::format("convolution {}x{}{} {}x{}x{} -> {}{}", shapes_.kernel_height, shapes_.kernel_width, how,
                       shapes_.out.height, shapes_.out.width, shapes_.in.channels, shapes_.out.channels,
                       window().groups > 1 ? fmt::format(", {} groups", window().groups) : "");
  }

  Product::Geometry geometry(const PanelShape& panels) {
    Product::Geometry g;
    g.panels = panels;
    g.c_block_stride = shapes_.out.pixels() * static_cast<std::ptrdiff_t>(block_);
    g.epilogue = epilogue(node_.activation);
    return g;
  }

  void add(const Product::Geometry& geometry, std::vector<Segment> segments, std::vector<std::vector<Tap>> tables,
           std::int64_t multiply_adds, const char* how) {
    // The time of a few pixels' product is that of reading the weights.
    const std::int64_t work = multiply_adds * (shapes_.out.pixels() < 4 ? 4 : 1);
    const std::size_t wanted = builder_.task_count(static_cast<std::size_t>(-1) / 2, work);
    auto step = std::make_unique<Product>(*kernels_, geometry, segments, std::move(tables), wanted);
    step->multiply_adds = multiply_adds;
    step->name = name(how);
    if (depthwise_ == nullptr) {
      builder_.add_step(std::move(step));
      return;
    }
    auto window = DepthwiseWindow::create(builder_, *depthwise_);
    const View to = builder_.result(depthwise_->output, Layout::kBlocked);
    builder_.add_step(
        make_product_depthwise(builder_, std::move(step), std::move(segments), multiply_adds, std::move(window), to));
  }

  /// Where the result goes, unless it lives only within a step.
  View result() { return depthwise_ == nullptr ? builder_.result(node_.output, Layout::kBlocked) : View{}; }

  View pack(const PanelShape& panels, bool joined_taps) {
    const std::size_t row_stride = taps() * shapes_.group_channels;
    const std::size_t tap_stride = joined_taps ? shapes_.kernel_width * shapes_.group_channels : shapes_.group_channels;
    const auto& values = builder_.tensor(node_.inputs[1]).constant.values;
    return add_panels(builder_, panels, values.data(), row_stride, tap_stride);
  }

  void build_interleaved() {
    const View from = builder_.view(node_.inputs[0], Layout::kPlanar);
    const auto channels = static_cast<std::ptrdiff_t>(shapes_.in.channels);
    const std::ptrdiff_t line = framed_width() * channels;
    const View framed = builder_.add_buffer(static_cast<std::size_t>(framed_height() * line));
    builder_.add_step(std::make_unique<Interleave>(from, framed, shapes_.in, window().pad_top, window().pad_left,
                                                   framed_height(), framed_width()));
    const PanelShape panels{.columns = static_cast<std::size_t>(shapes_.out.channels),
                            .taps = shapes_.kernel_height,
                            .channels = shapes_.kernel_width * shapes_.group_channels,
                            .tap_channels = shapes_.kernel_width * shapes_.group_channels,
                            .block = block_};
    Product::Geometry g = geometry(panels);
    g.a = framed;
    g.weights = pack(panels, true);
    g.bias = builder_.add_channel_values(builder_.bias(node_), panels.columns);
    g.row_stride = window().stride_width * channels;
    g.chunk_length = panels.channels;
    g.chunks = 1;
    add_addend(g);
    g.c = result();
    std::vector<Tap> taps;
    for (std::size_t ky = 0; ky < shapes_.kernel_height; ++ky) {
      taps.push_back({.a = static_cast<std::ptrdiff_t>(ky) * window().dilation_height * line, .index = ky});
    }
    add(g, row_segments(line), {std::move(taps)},
        shapes_.out.pixels() * static_cast<std::int64_t>(panels.depth()) * shapes_.out.channels, " interleaved");
  }

  void add_addend(Product::Geometry& g) {
    if (node_.inputs.size() < 4) return;
    const graph::TensorId id = node_.inputs[3];
    g.addend = builder_.view(id, Layout::kBlocked);
    g.addend_is_row = builder_.image(id)->pixels() == 1 && shapes_.out.pixels() != 1;
  }

  void build_blocked() {
    View from = builder_.view(node_.inputs[0], Layout::kBlocked);
    const auto block = static_cast<std::ptrdiff_t>(block_);
    const bool is_pointwise = native::is_pointwise(node_, shapes_);

    std::int64_t line_pixels = shapes_.in.width;
    std::int64_t plane_pixels = shapes_.in.pixels();
    std::vector<Segment> segments;
    std::vector<std::vector<Tap>> tables;
    const char* how = "";
    const bool framed = !is_pointwise && meets_most(builder_, node_, shapes_);
    if (framed && (window().pad_top > 0 || window().pad_left > 0 || framed_height() > shapes_.in.height ||
                   framed_width() > shapes_.in.width)) {
      line_pixels = framed_width();
      plane_pixels = framed_height() * framed_width();
      const std::size_t planes = builder_.blocks(shapes_.in.channels);
      const View to = builder_.add_buffer(planes * static_cast<std::size_t>(plane_pixels) * block_);
      builder_.add_step(std::make_unique<Frame2D>(from, to, shapes_.in, window().pad_top, window().pad_left,
                                                  framed_height(), framed_width(), block_, planes));
      from = to;
    }
    if (is_pointwise && window().stride_height == 1 && window().stride_width == 1) {
      segments.push_back({.a = 0, .row = 0, .rows = static_cast<std::size_t>(shapes_.out.pixels()), .table = 0});
      tables.push_back({{.a = 0, .index = 0}});
    } else if (is_pointwise || framed) {
      segments = row_segments(line_pixels * block);
      std::vector<Tap> taps;
      for (std::size_t ky = 0; ky < shapes_.kernel_height; ++ky) {
        for (std::size_t kx = 0; kx < shapes_.kernel_width; ++kx) {
          taps.push_back({.a = (static_cast<std::ptrdiff_t>(ky) * window().dilation_height * line_pixels +
                                static_cast<std::ptrdiff_t>(kx) * window().dilation_width) *
                               block,
                          .index = ky * shapes_.kernel_width + kx});
        }
      }
      tables.push_back(std::move(taps));
    } else {
      how = " in-map";
      in_map(segments, tables);
    }

    const PanelShape panels{.columns = static_cast<std::size_t>(shapes_.out.channels),
                            .taps = taps(),
                            .channels = shapes_.group_channels,
                            .tap_channels = builder_.blocks(shapes_.in.channels) * block_,
                            .block = block_};
    Product::Geometry g = geometry(panels);
    g.a = from;
    g.row_stride = window().stride_width * block;
    g.chunk_stride = plane_pixels * block;
    add_addend(g);
    g.c = result();
    if (window().groups > 1) {
      auto step = make_group_products(builder_, node_, group_shape(node_, shapes_, block_), g, segments, tables);
      step->name = name(how);
      builder_.add_step(std::move(step));
      return;
    }
    g.chunk_length = block_;
    g.chunks = panels.tap_channels / block_;
    g.weights = pack(panels, false);
    g.bias = builder_.add_channel_values(builder_.bias(node_), panels.columns);
    const std::int64_t done =
        static_cast<std::int64_t>(panels.tap_channels * panels.columns) * rows_times_taps(segments, tables);
    add(g, std::move(segments), std::move(tables), done, how);
  }

  static std::int64_t rows_times_taps(const std::vector<Segment>& segments,
                                      const std::vector<std::vector<Tap>>& tables) {
    std::int64_t sum = 0;
    for (const Segment& segment : segments)
      sum += static_cast<std::int64_t>(segment.rows * tables[segment.table].size());
    return sum;
  }

  /// Rows of results cut where the set of taps that meet data changes; no tap's product with zeros is computed.
  void in_map(std::vector<Segment>& segments, std::vector<std::vector<Tap>>& tables) const {
    const auto block = static_cast<std::ptrdiff_t>(block_);
    const auto lines = stretches(static_cast<std::int64_t>(shapes_.kernel_height), window().dilation_height,
                                 window().pad_top, window().stride_height, shapes_.in.height, shapes_.out.height);
    const auto columns = stretches(static_cast<std::int64_t>(shapes_.kernel_width), window().dilation_width,
                                   window().pad_left, window().stride_width, shapes_.in.width, shapes_.out.width);
    for (const Stretch& line : lines) {
      for (const Stretch& column : columns) {
        std::vector<Tap> taps;
        for (const std::int64_t ky : line.taps) {
          for (const std::int64_t kx : column.taps) {
            taps.push_back(
                {.a = (ky * window().dilation_height * shapes_.in.width + kx * window().dilation_width) * block,
                 .index = static_cast<std::size_t>(ky) * shapes_.kernel_width + static_cast<std::size_t>(kx)});
          }
        }
        for (std::int64_t y = line.results.begin; y < line.results.end; ++y) {
          const std::int64_t from_y = y * window().stride_height - window().pad_top;
          const std::int64_t from_x = column.results.begin * window().stride_width - window().pad_left;
          segments.push_back({.a = (from_y * shapes_.in.width + from_x) * block,
                              .row = static_cast<std::size_t>(y * shapes_.out.width + column.results.begin),
                              .rows = static_cast<std::size_t>(column.results.end - column.results.begin),
                              .table = tables.size()});
        }
        tables.push_back(std::move(taps));
      }
    }
  }

  Builder& builder_;
  const Node& node_;
  Shapes shapes_;
  std::size_t block_;
  const kernels::Kernels* kernels_;
  const Node* depthwise_;
};

/// The depthwise convolution that is made along with a convolution, whose result then needn't go through memory.
const Node* depthwise_after(const Builder& builder, const Node& node, const Shapes& shapes) {
  const Node* const reader = builder.only_reader(node.output);
  if (reader == nullptr || reader->op != Op::kDepthwiseConvolution || reader->inputs[0] != node.output) return nullptr;
  if (node.window.groups != 1 || node.inputs.size() > 3) return nullptr;
  // Rows in one segment, or one for each line; sums in one pass, since what they are added up in is made but once.
  const bool is_one_segment =
      is_pointwise(node, shapes) && node.window.stride_height == 1 && node.window.stride_width == 1;
  const bool is_one_pass =
      shapes.kernel_height * shapes.kernel_width * shapes.group_channels <= builder.kernels().depth;
  return is_one_pass && (is_one_segment || is_interleaved(node, shapes, builder.block())) &&
                 fits_product_depthwise(builder, *reader)
             ? reader
             : nullptr;
}

}  // namespace

bool add_convolution(Builder& builder, const Node& node) {
  const auto in = builder.image(node.inputs[0]);
  const auto out = builder.image(node.output);
  const auto& dims = builder.tensor(node.inputs[1]).dims;
  if (!in || !out || !builder.has_constant_weights(node)) return false;
  const Shapes shapes{.in = *in,
                      .out = *out,
                      .kernel_height = static_cast<std::size_t>(dims[1]),
                      .kernel_width = static_cast<std::size_t>(dims[2]),
                      .group_channels = static_cast<std::size_t>(dims[3])};
  const bool is_in_map = !is_interleaved(node, shapes, builder.block()) && !is_pointwise(node, shapes) &&
                         !meets_most(builder, node, shapes);
  const std::size_t parts = node.window.groups == 1 ? 1 : most_group_parts(group_shape(node, shapes, builder.block()));
  if (is_in_map && in_map_taps(shapes) > kMostInMapTaps / static_cast<std::int64_t>(parts)) return false;
  if (parts > 1) {
    const auto lines = static_cast<std::size_t>(out->height) * (is_in_map ? 2 * shapes.kernel_width + 1 : 1);
    if (lines > kMostGroupSegments / parts) return false;
  }
  Convolution(builder, node, shapes, depthwise_after(builder, node, shapes)).build();
  return true;
}

}  // namespace silhouette::native
