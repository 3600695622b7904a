// Included by the file of each instruction set.
#pragma once

#include "kernels/layout/matrix.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

/// Calls `pixel(i, lane)` for vectors of pixels × channels and stores them as planes.
template <typename Pixel>
[[gnu::always_inline]] inline void store_planes(std::size_t pixels, std::size_t channels, float* output,
                                                std::size_t plane, Pixel pixel) {
  std::size_t i = 0;
  for (; i + kLanes <= pixels; i += kLanes) {
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
      if (lane >= channels) break;
      Vec rows[kLanes];
#pragma GCC unroll 16
      for (std::size_t j = 0; j < kLanes; ++j) rows[j] = pixel(i + j, lane);
      transpose(rows);
      float* const first = output + lane * plane + i;
      if (lane + kLanes <= channels) {
#pragma GCC unroll 16
        for (std::size_t j = 0; j < kLanes; ++j) store_anywhere(first + j * plane, rows[j]);
      } else {
        for (std::size_t j = 0; lane + j < channels; ++j) store_anywhere(first + j * plane, rows[j]);
      }
    }
  }
  for (; i < pixels; ++i) {
    for (std::size_t lane = 0; lane < channels; lane += kLanes) {
      const Vec values = pixel(i, lane);
      for (std::size_t j = 0; j < kLanes && lane + j < channels; ++j) output[(lane + j) * plane + i] = values[j];
    }
  }
}

inline void to_planes(const ToPlanes& t) {
  store_planes(t.pixels, t.channels, t.output, t.plane,
               [&](std::size_t i, std::size_t lane) { return load(t.input + i * kBlock + lane); });
}

/// Pixels of an input row that are blended at once, on the stack.
inline constexpr std::size_t kBlendedPixels = 480;

inline void resize_planes(const ResizePlanesRow& r) {
  constexpr std::ptrdiff_t kWidth = kBlock;
  const auto between = [&r](std::size_t x, const float* row, std::size_t lane) {
    const Vec left = load(row + r.left[x] * kWidth + static_cast<std::ptrdiff_t>(lane));
    const Vec right = load(row + r.right[x] * kWidth + static_cast<std::ptrdiff_t>(lane));
    return left + r.weight_right[x] * (right - left);
  };
  if (r.input_width > kBlendedPixels || r.input_width > r.output_width) {
    store_planes(r.output_width, r.channels, r.output, r.plane, [&](std::size_t x, std::size_t lane) {
      const Vec top = between(x, r.top, lane);
      return top + r.weight_bottom * (between(x, r.bottom, lane) - top);
    });
    return;
  }
  // Both rows into one first: each of its pixels is read several times.
  alignas(64) float blended[kBlendedPixels * kBlock];
  for (std::size_t i = 0; i < r.input_width * kBlock; i += kLanes) {
    const Vec top = load(r.top + i);
    store(blended + i, top + r.weight_bottom * (load(r.bottom + i) - top));
  }
  const float* const row = blended;
  store_planes(r.output_width, r.channels, r.output, r.plane,
               [&](std::size_t x, std::size_t lane) { return between(x, row, lane); });
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
