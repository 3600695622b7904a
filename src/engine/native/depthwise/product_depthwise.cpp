#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/native/depthwise/depthwise.hpp"

namespace silhouette::native {
namespace {

/// One panel's channels of some lines of the image between, at most: they stay in the second-level cache.
constexpr std::int64_t kMostLineFloats = 40'960;
/// Of the image between, made at once.
constexpr std::int64_t kPixelsAtATime = 128;
/// A band's first lines are made for the band above, too: bands are so many times as high.
constexpr std::int64_t kBandSpans = 8;

/// A task makes a band of the result's lines for one panel of channels: first some lines of the image between, with
/// pixels of zeros around them, then what of the result they suffice for, and so on.
class ProductDepthwise final : public Step {
 public:
  ProductDepthwise(const Network& network, std::unique_ptr<Product> product, std::vector<Segment> segments,
                   std::int64_t product_multiply_adds, const DepthwiseWindow& window, View result)
      : product_(std::move(product)),
        segments_(std::move(segments)),
        window_(window),
        block_(static_cast<std::int64_t>(network.block())),
        to_(result),
        blocks_(network.blocks(window_.in().channels)),
        bands_((blocks_ + 1) / 2, network.task_count(product_multiply_adds + 4 * window_.multiply_adds()),
               window_.out().height, window_.in().height / (kBandSpans * window_.span())) {
    const ImageShape& in = window_.in();
    line_ = window_.padded_width() * block_;
    const std::int64_t span = std::min(window_.span(), in.height);
    chunk_ = std::clamp<std::int64_t>(kPixelsAtATime / in.width, 1, in.height);
    chunk_ = std::clamp<std::int64_t>(kMostLineFloats / (2 * line_) - span + 1, 1, chunk_);
    slots_ = std::min(span + chunk_ - 1, in.height);
    multiply_adds = product_multiply_adds + window_.multiply_adds();
    tasks = bands_.tasks;
    scratch = static_cast<std::size_t>(2 * slots_ * line_);
    reads = product_->reads;
    writes = {to_.buffer};
    name = fmt::format("{}, {}", product_->name, window_.name());
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t panel = bands_.part(task);
    const std::size_t first_block = 2 * panel;
    const auto blocks = static_cast<std::int64_t>(std::min<std::size_t>(2, blocks_ - first_block));
    std::int64_t y = bands_.begin(task);
    const std::int64_t end = bands_.end(task);
    const std::int64_t lines_end = window_.lines_end(end - 1, 1);
    const std::int64_t first = window_.first_line(y);
    const std::ptrdiff_t stride = distance(slots_ * line_);
    const std::int64_t plane = window_.out().pixels() * block_;
    float* const output = frame.to(to_) + static_cast<std::int64_t>(first_block) * plane;
    float* const between = frame.scratch();
    std::fill_n(between, 2 * stride, 0.0F);
    Product::Lines lines(*product_, frame, panel, static_cast<std::size_t>(window_.in().width), stride);
    const auto rows_of = [&](std::int64_t i) {
      return DepthwiseWindow::Rows(window_, frame, first_block + static_cast<std::size_t>(std::min(i, blocks - 1)),
                                   {.data = between + i * stride, .first = first, .slots = slots_, .is_padded = true});
    };
    std::array<DepthwiseWindow::Rows, 2> rows{rows_of(0), rows_of(1)};
    for (std::int64_t made = first; y < end;) {
      const std::int64_t chunk_end = std::min(made + chunk_, lines_end);
      for (; made < chunk_end; ++made) {
        lines.run(first_row(made), between + (made - first) % slots_ * line_ + window_.left() * block_);
      }
      std::int64_t ready = y;
      while (ready < end && window_.lines_end(ready, window_.group(ready, end)) <= made) {
        ready += window_.group(ready, end);
      }
      for (std::int64_t i = 0; i < blocks; ++i) {
        for (std::int64_t row = y; row < ready; row += window_.group(row, end)) {
          rows[static_cast<std::size_t>(i)].run(row, window_.group(row, end), output + i * plane);
        }
      }
      y = ready;
    }
  }

 private:
  /// Where a line's first row begins in the product's A.
  [[nodiscard]] std::ptrdiff_t first_row(std::int64_t line) const noexcept {
    if (segments_.size() != 1) return segments_[static_cast<std::size_t>(line)].a;
    return segments_.front().a + distance(line * product_->row_stride() * window_.in().width);
  }

  std::unique_ptr<Product> product_;
  std::vector<Segment> segments_;
  DepthwiseWindow window_;
  std::int64_t block_;
  View to_;
  std::size_t blocks_;
  Bands bands_;
  std::int64_t line_ = 0;   ///< floats
  std::int64_t chunk_ = 1;  ///< lines made at once
  std::int64_t slots_ = 1;  ///< lines kept
};

}  // namespace

bool fits_product_depthwise(const Network& network, const graph::Node& node) {
  const auto in = network.image(node.inputs[0]);
  const auto out = network.image(node.output);
  const graph::Tensor& weights = network.tensor(node.inputs[1]);
  if (!DepthwiseWindow::is_possible(network, node) || in->channels != out->channels) return false;
  // One panel's lines, with zeros around them: a line is at most as long as results and taps reach.
  const graph::Window& window = node.window;
  const std::int64_t width =
      std::max(in->width + window.pad_left,
               (out->width - 1) * window.stride_width + (weights.dims[1] - 1) * window.dilation_width + 1);
  const std::int64_t lines = std::min(DepthwiseWindow::span(window, weights.dims[0]), in->height);
  return width <= kMostLineFloats && lines * width * 2 * static_cast<std::int64_t>(network.block()) <= kMostLineFloats;
}

std::unique_ptr<Step> make_product_depthwise(const Network& network, std::unique_ptr<Product> product,
                                             std::vector<Segment> segments, std::int64_t product_multiply_adds,
                                             const DepthwiseWindow& window, View result) {
  return std::make_unique<ProductDepthwise>(network, std::move(product), std::move(segments), product_multiply_adds,
                                            window, result);
}

}  // namespace silhouette::native
