// Included by the file of each instruction set.
#pragma once

#include "kernels/epilogue.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

inline constexpr std::size_t kDepthwisePixels = 8 / kBlockVecs;

/// Columns of taps from `first_tap` to `last_tap` for kPixels results from `x` on, all of whose taps are inside.
template <std::size_t kPixels, std::ptrdiff_t kStride>
[[gnu::always_inline]] inline void depthwise_pixels(const DepthwiseRow& d, std::ptrdiff_t x, std::size_t first_tap,
                                                    std::size_t last_tap, const Finisher& finisher) {
  constexpr std::ptrdiff_t kWidth = kBlock;
  const std::ptrdiff_t stride = (kStride != 0 ? kStride : d.stride) * kWidth;
  const std::ptrdiff_t dilation = d.dilation * kWidth;
  const std::ptrdiff_t start = x * stride - d.pad_left * kWidth;
  Vec acc[kPixels][kBlockVecs];
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kBlockVecs; ++v) {
    const Vec bias = load(d.bias + v * kLanes);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kPixels; ++i) acc[i][v] = bias;
  }
  for (std::size_t ky = 0; ky < d.kernel_height; ++ky) {
    if (d.rows[ky] == nullptr) continue;
    const float* in = d.rows[ky] + start + static_cast<std::ptrdiff_t>(first_tap) * dilation;
    const float* weight = d.weights + (ky * d.kernel_width + first_tap) * kBlock;
    for (std::size_t kx = first_tap; kx < last_tap; ++kx) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kBlockVecs; ++v) {
        const Vec w = load(weight + v * kLanes);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < kPixels; ++i) {
          acc[i][v] += w * load(in + static_cast<std::ptrdiff_t>(i) * stride + v * kLanes);
        }
      }
      in += dilation;
      weight += kBlock;
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kPixels; ++i) finisher.all(acc[i]);
  float* const out = d.output + x * kWidth;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kPixels; ++i) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kBlockVecs; ++v) store(out + i * kBlock + v * kLanes, acc[i][v]);
  }
}

template <std::size_t kPixels, std::ptrdiff_t kStride>
[[gnu::noinline]] void depthwise_rest(const DepthwiseRow& d, std::ptrdiff_t x, std::size_t pixels,
                                      const Finisher& finisher) {
  if constexpr (kPixels > 0) {
    if (pixels == kPixels) {
      depthwise_pixels<kPixels, kStride>(d, x, 0, d.kernel_width, finisher);
    } else {
      depthwise_rest<kPixels - 1, kStride>(d, x, pixels, finisher);
    }
  }
}

template <std::ptrdiff_t kStride>
void depthwise_inside(const DepthwiseRow& d, std::ptrdiff_t x, std::ptrdiff_t end, const Finisher& finisher) {
  constexpr auto kStep = static_cast<std::ptrdiff_t>(kDepthwisePixels);
  for (; x + kStep <= end; x += kStep) {
    depthwise_pixels<kDepthwisePixels, kStride>(d, x, 0, d.kernel_width, finisher);
  }
  if (x < end) depthwise_rest<kDepthwisePixels - 1, kStride>(d, x, static_cast<std::size_t>(end - x), finisher);
}

[[gnu::noinline]] inline void depthwise_border(const DepthwiseRow& d, std::ptrdiff_t x, std::ptrdiff_t end,
                                               const Finisher& finisher) {
  for (; x < end; ++x) {
    const std::ptrdiff_t start = x * d.stride - d.pad_left;
    std::size_t first = 0;
    while (first < d.kernel_width && start + static_cast<std::ptrdiff_t>(first) * d.dilation < 0) ++first;
    std::size_t last = d.kernel_width;
    while (last > first && start + static_cast<std::ptrdiff_t>(last - 1) * d.dilation >= d.input_width) --last;
    depthwise_pixels<1, 0>(d, x, first, last, finisher);
  }
}

inline void depthwise(const DepthwiseRow& d) {
  const Finisher finisher(d.epilogue);
  const auto reach = static_cast<std::ptrdiff_t>(d.kernel_width - 1) * d.dilation;
  // The results all of whose taps are inside: first and one past the last.
  std::ptrdiff_t begin = (d.pad_left + d.stride - 1) / d.stride;
  const std::ptrdiff_t room = d.input_width + d.pad_left - 1 - reach;
  std::ptrdiff_t end = room < 0 ? 0 : room / d.stride + 1;
  if (begin > d.output_width) begin = d.output_width;
  if (end > d.output_width) end = d.output_width;
  if (end < begin) end = begin;
  depthwise_border(d, 0, begin, finisher);
  if (d.stride == 1) {
    depthwise_inside<1>(d, begin, end, finisher);
  } else if (d.stride == 2) {
    depthwise_inside<2>(d, begin, end, finisher);
  } else {
    depthwise_inside<0>(d, begin, end, finisher);
  }
  depthwise_border(d, end, d.output_width, finisher);
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
