#include <fmt/format.h>

#include <algorithm>

#include "engine/native/depthwise/depthwise.hpp"
#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/choice.hpp"
#include "engine/native/products/bordered.hpp"
#include "engine/native/products/groups.hpp"
#include "engine/native/products/in_map.hpp"
#include "engine/native/products/product.hpp"

namespace silhouette::native {
namespace {

using choice::ConvolutionShapes;
using graph::Node;
using graph::Op;
using Rows = choice::Product::Rows;

/// Below this share of taps that meet data it is worth while to go without the others, in pieces of rows.
constexpr double kSparse = 0.75;

/// Size of the image with its zeros around it: as far as taps reach.
std::int64_t bordered_height(const graph::Window& window, const ConvolutionShapes& shapes) {
  return (shapes.out.height - 1) * window.stride_height +
         (static_cast<std::int64_t>(shapes.kernel_height) - 1) * window.dilation_height + 1;
}
std::int64_t bordered_width(const graph::Window& window, const ConvolutionShapes& shapes) {
  return (shapes.out.width - 1) * window.stride_width +
         (static_cast<std::int64_t>(shapes.kernel_width) - 1) * window.dilation_width + 1;
}

/// Whether a convolution has so few input channels that they are best read pixel by pixel.
bool is_interleaved(const Node& node, const ConvolutionShapes& shapes, std::size_t block) {
  return shapes.in.channels < static_cast<std::int64_t>(block) && shapes.in.channels <= 4 && node.window.groups == 1 &&
         node.window.dilation_width == 1 && (shapes.kernel_width > 1 || shapes.kernel_height > 1) &&
         // Not if it is zeros for the most part.
         bordered_height(node.window, shapes) * bordered_width(node.window, shapes) <= 4 * shapes.in.pixels() + 4096;
}

bool is_pointwise(const Node& node, const ConvolutionShapes& shapes) {
  return shapes.kernel_height * shapes.kernel_width == 1 && has_no_padding(node.window);
}

/// Whether so many taps meet data that all are taken, with zeros around the image.
bool meets_most(const Network& network, const Node& node, const ConvolutionShapes& shapes) {
  const std::int64_t all =
      shapes.out.pixels() * shapes.out.channels *
      static_cast<std::int64_t>(shapes.kernel_height * shapes.kernel_width * shapes.group_channels);
  return static_cast<double>(graph::multiply_adds(network.graph(), node)) > kSparse * static_cast<double>(all);
}

/// Segments of all products of one grouped convolution, at most.
constexpr std::size_t kMostGroupSegments = 1 << 20;

GroupShape group_shape(const Node& node, const ConvolutionShapes& shapes, std::size_t block) {
  const auto groups = static_cast<std::size_t>(node.window.groups);
  return {.groups = groups,
          .channels = shapes.group_channels,
          .columns = static_cast<std::size_t>(shapes.out.channels) / groups,
          .taps = shapes.kernel_height * shapes.kernel_width,
          .block = block};
}

/// How a convolution's results are cut into rows of a product.
Rows choose_rows(const Network& network, const Node& node, const ConvolutionShapes& shapes) {
  const graph::Window& window = node.window;
  if (is_interleaved(node, shapes, network.block())) return Rows::kInterleaved;
  if (is_pointwise(node, shapes)) {
    return window.stride_height == 1 && window.stride_width == 1 ? Rows::kWhole : Rows::kLines;
  }
  if (!meets_most(network, node, shapes)) return Rows::kInMap;
  const bool fits = window.pad_top == 0 && window.pad_left == 0 &&
                    bordered_height(window, shapes) <= shapes.in.height &&
                    bordered_width(window, shapes) <= shapes.in.width;
  return fits ? Rows::kLines : Rows::kBordered;
}

/// The depthwise convolution that is made along with a convolution, whose result then needn't go through memory.
const Node* depthwise_after(const Network& network, const Node& node, const ConvolutionShapes& shapes, Rows rows) {
  const Node* const reader = network.only_reader(node.output);
  if (reader == nullptr || reader->op != Op::kDepthwiseConvolution || reader->inputs[0] != node.output) return nullptr;
  if (node.window.groups != 1 || node.inputs.size() > 3) return nullptr;
  // Sums in one pass, since what they are added up in is made but once.
  const bool is_one_pass =
      shapes.kernel_height * shapes.kernel_width * shapes.group_channels <= network.kernels().depth;
  return is_one_pass && (rows == Rows::kWhole || rows == Rows::kInterleaved) && fits_product_depthwise(network, *reader)
             ? reader
             : nullptr;
}

/// Builds the product (or products, of groups) of one convolution.
class Convolution {
 public:
  Convolution(Builder& builder, const Node& node, const choice::Product& chosen)
      : builder_(builder),
        node_(node),
        rows_(chosen.rows),
        shapes_(chosen.shapes),
        block_(builder.block()),
        kernels_(&builder.kernels()),
        depthwise_(chosen.depthwise) {}

  void build() {
    if (rows_ == Rows::kInterleaved) {
      build_interleaved();
    } else {
      build_blocked();
    }
  }

 private:
  [[nodiscard]] const graph::Window& window() const { return node_.window; }
  [[nodiscard]] std::size_t taps() const { return shapes_.kernel_height * shapes_.kernel_width; }

  [[nodiscard]] Border border() const {
    return {.top = window().pad_top,
            .left = window().pad_left,
            .height = bordered_height(window(), shapes_),
            .width = bordered_width(window(), shapes_)};
  }

  /// One segment a line of the result; the input's lines are `line` floats apart.
  [[nodiscard]] std::vector<Segment> row_segments(std::ptrdiff_t line) const {
    std::vector<Segment> segments;
    const auto width = static_cast<std::size_t>(shapes_.out.width);
    for (std::int64_t y = 0; y < shapes_.out.height; ++y) {
      segments.push_back({.a = distance(y * window().stride_height * line),
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
    g.c_block_stride = distance(shapes_.out.pixels() * static_cast<std::ptrdiff_t>(block_));
    g.epilogue = epilogue(node_.activation);
    return g;
  }

  void add(const Product::Geometry& geometry, std::vector<Segment> segments, std::vector<std::vector<Tap>> tables,
           std::int64_t multiply_adds, const char* how) {
    // The time of a few pixels' product is that of reading the weights.
    const std::int64_t work = multiply_adds * (shapes_.out.pixels() < 4 ? 4 : 1);
    const std::size_t wanted = builder_.task_count(work);
    auto step = std::make_unique<Product>(*kernels_, geometry, segments, std::move(tables), wanted);
    step->multiply_adds = multiply_adds;
    step->name = name(how);
    if (depthwise_ == nullptr) {
      builder_.add_step(std::move(step));
      return;
    }
    const DepthwiseWindow window(builder_, *depthwise_);
    const View to = builder_.result(depthwise_->output, Layout::kBlocked);
    builder_.add_step(
        make_product_depthwise(builder_, std::move(step), std::move(segments), multiply_adds, window, to));
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
    const std::ptrdiff_t line = distance(border().width * channels);
    const View bordered = builder_.add_buffer(static_cast<std::size_t>(border().height * line));
    builder_.add_step(make_interleaved(from, bordered, shapes_.in, border()));
    const PanelShape panels{.columns = static_cast<std::size_t>(shapes_.out.channels),
                            .taps = shapes_.kernel_height,
                            .channels = shapes_.kernel_width * shapes_.group_channels,
                            .tap_channels = shapes_.kernel_width * shapes_.group_channels,
                            .block = block_};
    Product::Geometry g = geometry(panels);
    g.a = bordered;
    g.weights = pack(panels, true);
    g.bias = builder_.add_channel_values(builder_.bias(node_), panels.columns);
    g.row_stride = distance(window().stride_width * channels);
    g.chunk_length = panels.channels;
    g.chunks = 1;
    add_addend(g);
    g.c = result();
    std::vector<Tap> taps;
    for (std::size_t ky = 0; ky < shapes_.kernel_height; ++ky) {
      taps.push_back({.a = distance(static_cast<std::int64_t>(ky) * window().dilation_height * line), .index = ky});
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
    std::int64_t line_pixels = shapes_.in.width;
    std::int64_t plane_pixels = shapes_.in.pixels();
    std::vector<Segment> segments;
    std::vector<std::vector<Tap>> tables;
    if (rows_ == Rows::kBordered) {
      line_pixels = border().width;
      plane_pixels = border().height * border().width;
      const std::size_t planes = builder_.blocks(shapes_.in.channels);
      const View to = builder_.add_buffer(planes * static_cast<std::size_t>(plane_pixels) * block_);
      builder_.add_step(make_bordered(builder_, from, to, shapes_.in, border()));
      from = to;
    }
    if (rows_ == Rows::kWhole) {
      segments.push_back({.a = 0, .row = 0, .rows = static_cast<std::size_t>(shapes_.out.pixels()), .table = 0});
      tables.push_back({{.a = 0, .index = 0}});
    } else if (rows_ != Rows::kInMap) {
      segments = row_segments(distance(line_pixels * block));
      std::vector<Tap> taps;
      for (std::size_t ky = 0; ky < shapes_.kernel_height; ++ky) {
        for (std::size_t kx = 0; kx < shapes_.kernel_width; ++kx) {
          taps.push_back({.a = distance((static_cast<std::int64_t>(ky) * window().dilation_height * line_pixels +
                                         static_cast<std::int64_t>(kx) * window().dilation_width) *
                                        block),
                          .index = ky * shapes_.kernel_width + kx});
        }
      }
      tables.push_back(std::move(taps));
    } else {
      InMapRows in_map = in_map_rows(shapes_, window(), block_);
      segments = std::move(in_map.segments);
      tables = std::move(in_map.tables);
    }

    const char* const how = rows_ == Rows::kInMap ? " in-map" : "";
    const PanelShape panels{.columns = static_cast<std::size_t>(shapes_.out.channels),
                            .taps = taps(),
                            .channels = shapes_.group_channels,
                            .tap_channels = builder_.blocks(shapes_.in.channels) * block_,
                            .block = block_};
    Product::Geometry g = geometry(panels);
    g.a = from;
    g.row_stride = distance(window().stride_width * block);
    g.chunk_stride = distance(plane_pixels * block);
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

  Builder& builder_;
  const Node& node_;
  Rows rows_;
  ConvolutionShapes shapes_;
  std::size_t block_;
  const kernels::Kernels* kernels_;
  const Node* depthwise_;
};

}  // namespace

std::optional<choice::Product> choose_product(const Network& network, const Node& node) {
  const auto in = network.image(node.inputs[0]);
  const auto out = network.image(node.output);
  const auto& dims = network.tensor(node.inputs[1]).dims;
  if (!in || !out || !network.has_constant_weights(node)) return std::nullopt;
  const ConvolutionShapes shapes{.in = *in,
                                 .out = *out,
                                 .kernel_height = static_cast<std::size_t>(dims[1]),
                                 .kernel_width = static_cast<std::size_t>(dims[2]),
                                 .group_channels = static_cast<std::size_t>(dims[3])};
  const Rows rows = choose_rows(network, node, shapes);
  const bool is_in_map = rows == Rows::kInMap;
  const std::size_t parts = node.window.groups == 1 ? 1 : most_group_parts(group_shape(node, shapes, network.block()));
  if (is_in_map && in_map_taps(shapes) > kMostInMapTaps / static_cast<std::int64_t>(parts)) return std::nullopt;
  if (parts > 1) {
    const auto lines = static_cast<std::size_t>(out->height) * (is_in_map ? 2 * shapes.kernel_width + 1 : 1);
    if (lines > kMostGroupSegments / parts) return std::nullopt;
  }
  return choice::Product{.shapes = shapes, .rows = rows, .depthwise = depthwise_after(network, node, shapes, rows)};
}

void emit(Builder& builder, const Node& node, const choice::Product& chosen) {
  Convolution(builder, node, chosen).build();
}

}  // namespace silhouette::native
