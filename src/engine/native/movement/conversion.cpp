#include <fmt/format.h>

#include <algorithm>

#include "engine/native/planning/builder.hpp"

namespace silhouette::native {
namespace {

/// Pixels that a conversion takes at a time: two rows of tiles in the first-level cache.
constexpr std::size_t kPixelsAtATime = 512;

/// From one layout to another, a block of channels and a part of the pixels at a time.
class Conversion final : public Step {
 public:
  Conversion(const kernels::Kernels& kernels, const ImageShape& shape, View from, Layout from_layout, View to,
             Layout to_layout, bool fills_up)
      : kernels_(&kernels),
        block_(kernels.block),
        pixels_(static_cast<std::size_t>(shape.pixels())),
        channels_(static_cast<std::size_t>(shape.channels)),
        parts_((pixels_ + kPixelsAtATime - 1) / kPixelsAtATime),
        from_(from),
        to_(to),
        from_layout_(from_layout),
        to_layout_(to_layout),
        fills_up_(fills_up) {
    tasks = (channels_ + block_ - 1) / block_ * parts_;
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("convert {}x{}x{}", shape.height, shape.width, shape.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t first = task / parts_ * block_;
    const std::size_t lanes = std::min(block_, channels_ - first);
    const std::size_t begin = task % parts_ * kPixelsAtATime;
    const std::size_t end = std::min(begin + kPixelsAtATime, pixels_);
    const Place source = place(from_layout_, first);
    const Place destination = place(to_layout_, first);
    const float* const from = frame.from(from_) + source.start;
    float* const to = frame.to(to_) + destination.start;
    if (fills_up_ && task + 1 == tasks) {
      const std::size_t count = pixels_ * channels_;
      std::fill_n(frame.to(to_) + count, (block_ - count % block_) % block_, 0.0F);
    }
    if (from_layout_ == Layout::kBlocked && to_layout_ == Layout::kPlanar) {
      kernels_->to_planes({.input = from + begin * block_,
                           .pixels = end - begin,
                           .output = to + begin,
                           .plane = pixels_,
                           .channels = lanes});
      return;
    }
    if (from_layout_ == Layout::kPlanar || to_layout_ == Layout::kPlanar) {
      const bool from_planes = from_layout_ == Layout::kPlanar;
      float* const out = to + begin * destination.pixel;
      kernels_->transpose_matrix({.input = from + begin * source.pixel,
                                  .input_stride = from_planes ? pixels_ : source.pixel,
                                  .rows = from_planes ? lanes : end - begin,
                                  .columns = from_planes ? end - begin : lanes,
                                  .output = out,
                                  .output_stride = from_planes ? destination.pixel : pixels_});
      if (to_layout_ != Layout::kBlocked || lanes == block_) return;
      for (std::size_t i = 0; i < end - begin; ++i) std::fill(out + i * block_ + lanes, out + (i + 1) * block_, 0.0F);
      return;
    }
    for (std::size_t i = begin; i < end; ++i) {
      const float* const in = from + i * source.pixel;
      float* const out = to + i * destination.pixel;
      for (std::size_t lane = 0; lane < lanes; ++lane) out[lane * destination.lane] = in[lane * source.lane];
      if (to_layout_ == Layout::kBlocked) std::fill(out + lanes, out + block_, 0.0F);
    }
  }

 private:
  struct Place {
    std::size_t start = 0;
    std::size_t lane = 0;   ///< from one channel to the next
    std::size_t pixel = 0;  ///< from one pixel to the next
  };

  [[nodiscard]] Place place(Layout layout, std::size_t channel) const noexcept {
    switch (layout) {
      case Layout::kDense: return {channel, 1, channels_};
      case Layout::kPlanar: return {channel * pixels_, pixels_, 1};
      case Layout::kBlocked: return {channel * pixels_, 1, block_};
    }
    return {};
  }

  const kernels::Kernels* kernels_;
  std::size_t block_;
  std::size_t pixels_;
  std::size_t channels_;
  std::size_t parts_;
  View from_;
  View to_;
  Layout from_layout_;
  Layout to_layout_;
  bool fills_up_;
};

}  // namespace

void add_conversion(Builder& builder, const ImageShape& shape, View from, Layout from_layout, View to, Layout to_layout,
                    bool fills_up) {
  builder.add_step(std::make_unique<Conversion>(builder.kernels(), shape, from, from_layout, to, to_layout, fills_up));
}

}  // namespace silhouette::native
