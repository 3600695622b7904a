#include "engine/native/products/bordered.hpp"

#include <algorithm>

namespace silhouette::native {
namespace {

class Bordered final : public Step {
 public:
  Bordered(const Network& network, View from, View to, const ImageShape& shape, const Border& border)
      : from_(from), to_(to), shape_(shape), border_(border), block_(network.block()) {
    tasks = network.blocks(shape.channels) * static_cast<std::size_t>(border.height);
    reads = {from.buffer};
    writes = {to.buffer};
    name = "frame";
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t plane = task / static_cast<std::size_t>(border_.height);
    const auto y = static_cast<std::int64_t>(task % static_cast<std::size_t>(border_.height));
    float* const row = frame.to(to_) + task * static_cast<std::size_t>(border_.width) * block_;
    const std::int64_t from_y = y - border_.top;
    const std::size_t all = static_cast<std::size_t>(border_.width) * block_;
    const std::size_t left = std::min(static_cast<std::size_t>(border_.left) * block_, all);
    // Strides may leave pixels at the right that no tap meets.
    const std::size_t line = static_cast<std::size_t>(shape_.width) * block_;
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
  Border border_;
  std::size_t block_;
};

/// Known at compile time, the number of planes makes this a few shuffles for every vector.
template <std::size_t kPlanes>
void interleave(const float* planes, std::size_t plane, std::size_t pixels, float* to) {
  for (std::size_t x = 0; x < pixels; ++x) {
    for (std::size_t c = 0; c < kPlanes; ++c) to[x * kPlanes + c] = planes[c * plane + x];
  }
}

class Interleave final : public Step {
 public:
  Interleave(View from, View to, const ImageShape& shape, const Border& border)
      : from_(from), to_(to), shape_(shape), border_(border) {
    tasks = static_cast<std::size_t>(border.height);
    reads = {from.buffer};
    writes = {to.buffer};
    name = "interleave";
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const auto channels = static_cast<std::size_t>(shape_.channels);
    float* const row = frame.to(to_) + task * static_cast<std::size_t>(border_.width) * channels;
    std::fill_n(row, static_cast<std::size_t>(border_.width) * channels, 0.0F);
    const std::int64_t y = static_cast<std::int64_t>(task) - border_.top;
    if (y < 0 || y >= shape_.height) return;
    const float* const source = frame.from(from_) + y * shape_.width;
    const std::int64_t left = std::min(border_.left, border_.width);
    float* const first = row + static_cast<std::size_t>(left) * channels;
    const auto plane = static_cast<std::size_t>(shape_.pixels());
    // Strides may leave pixels at the right that no tap meets.
    const auto pixels = static_cast<std::size_t>(std::min(shape_.width, border_.width - left));
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
  Border border_;
};

}  // namespace

std::unique_ptr<Step> make_bordered(const Network& network, View from, View to, const ImageShape& shape,
                                    const Border& border) {
  return std::make_unique<Bordered>(network, from, to, shape, border);
}

std::unique_ptr<Step> make_interleaved(View from, View to, const ImageShape& shape, const Border& border) {
  return std::make_unique<Interleave>(from, to, shape, border);
}

}  // namespace silhouette::native
