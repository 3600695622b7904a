#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/native/planning/bands.hpp"
#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/choice.hpp"
#include "engine/native/products/product.hpp"

namespace silhouette::native {

/// What a depthwise convolution needs to know of its window, and how its result's rows are made from rows of its input.
class DepthwiseWindow {
 public:
  /// Packs the weights. Of a depthwise convolution that is_possible() of.
  DepthwiseWindow(Builder& builder, const graph::Node& node);
  /// Whether rows can be made: of images, with constant weights of no more rows than are listed on the stack.
  [[nodiscard]] static bool is_possible(const Network& network, const graph::Node& node);

  [[nodiscard]] const ImageShape& in() const noexcept { return in_; }
  [[nodiscard]] const ImageShape& out() const noexcept { return out_; }
  [[nodiscard]] std::int64_t multiply_adds() const noexcept { return multiply_adds_; }
  [[nodiscard]] std::string name() const;

  /// Rows of the result, from `y` to before `end`, that are made together.
  [[nodiscard]] std::int64_t group(std::int64_t y, std::int64_t end) const noexcept {
    return window_.stride_height == 1 ? std::min(2 * window_.dilation_height, end - y) : 1;
  }
  /// The rows of the input that `count` rows of the result from `y` on meet: the first, and one past the last.
  [[nodiscard]] std::int64_t first_line(std::int64_t y) const noexcept {
    return std::clamp<std::int64_t>(y * window_.stride_height - window_.pad_top, 0, in_.height);
  }
  [[nodiscard]] std::int64_t lines_end(std::int64_t y, std::int64_t count) const noexcept {
    const std::int64_t last = (y + count - 1) * window_.stride_height - window_.pad_top +
                              (window_.kernel_height - 1) * window_.dilation_height;
    return std::clamp<std::int64_t>(last + 1, 0, in_.height);
  }
  /// Floats of the ring that a few rows are copied into, between pixels of zeros; 0 if there are too few edges for that
  /// to be worth while.
  [[nodiscard]] std::size_t ring_floats() const noexcept {
    return is_worth_padding_ ? static_cast<std::size_t>(span() * padded_width_) * kernels_->block : 0;
  }
  /// Most rows of the input that a group meets.
  [[nodiscard]] std::int64_t span() const noexcept { return span(window_, window_.kernel_height); }
  [[nodiscard]] static std::int64_t span(const graph::Window& window, std::int64_t kernel_height) noexcept {
    const std::int64_t rows = window.stride_height == 1 ? 2 * window.dilation_height : 1;
    return rows + (kernel_height - 1) * window.dilation_height;
  }

  /// Pixels of zeros to the left of a line and to its right that make every tap meet data.
  [[nodiscard]] std::int64_t left() const noexcept { return window_.pad_left; }
  [[nodiscard]] std::int64_t padded_width() const noexcept { return padded_width_; }

  /// Lines of one block of channels.
  struct Lines {
    const float* data = nullptr;
    std::int64_t first = 0;  ///< line at `data`
    std::int64_t slots = 0;  ///< of a ring of lines; 0: all lines follow each other
    bool is_padded = false;  ///< lines are padded_width() long
    float* ring = nullptr;   ///< others are copied into it: ring_floats(), or null
  };

  /// The rows of one block of channels, made from the top down.
  class Rows {
   public:
    Rows(const DepthwiseWindow& window, const Frame& frame, std::size_t block, const Lines& lines) noexcept;

    /// A group of rows from `y` on, into the block's result that begins at `output`.
    void run(std::int64_t y, std::int64_t count, float* output) noexcept;

   private:
    const float* line(std::int64_t y) noexcept;
    void run_rows(std::int64_t y, float* output, float* second) noexcept;

    const DepthwiseWindow* window_;
    kernels::DepthwiseRow row_;
    Lines lines_;
    bool copies_;
    std::int64_t next_;  ///< to be copied
  };

 private:
  const kernels::Kernels* kernels_ = nullptr;
  graph::Window window_;
  ImageShape in_;
  ImageShape out_;
  View weights_;
  View bias_;
  kernels::Epilogue epilogue_;
  std::int64_t multiply_adds_ = 0;
  std::int64_t padded_width_ = 0;
  bool is_worth_padding_ = false;
};

/// A convolution whose result nothing but a depthwise convolution reads: made row by row in the second-level cache, one
/// panel of channels at a time. `segments`: one for all rows of the image, or one for each of its lines.
std::unique_ptr<Step> make_product_depthwise(const Network& network, std::unique_ptr<Product> product,
                                             std::vector<Segment> segments, std::int64_t product_multiply_adds,
                                             const DepthwiseWindow& window, View result);

/// Whether lines are short enough for that before a depthwise convolution.
bool fits_product_depthwise(const Network& network, const graph::Node& node);

}  // namespace silhouette::native
