// Included by the file of each instruction set.
#pragma once

#include "kernels/epilogue.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

/// Of one row that are computed at once; of each row when there are two. The sums of two rows share what they read:
/// single rows are limited by loads, one for every multiply-add.
inline constexpr std::size_t kDepthwisePixels = 8 / kBlockVecs;
inline constexpr std::size_t kDepthwisePairPixels = 6 / kBlockVecs;

/// Some columns of taps, for some results from `x` on.
struct DepthwiseTaps {
  std::ptrdiff_t start = 0;   ///< from an input row to the first value
  std::ptrdiff_t stride = 0;  ///< between results
  std::ptrdiff_t dilation = 0;
  std::size_t count = 0;
};

template <std::size_t kPixels>
using DepthwiseSums = Vec[kPixels][kBlockVecs];

/// Adds what one input row gives: to `one` with its weights, if there are any, and to `other` with its.
template <std::size_t kPixels, bool kOne, bool kOther>
[[gnu::always_inline]] inline void depthwise_row(const DepthwiseTaps& taps, const float* in, const float* weights_one,
                                                 const float* weights_other, DepthwiseSums<kPixels>& one,
                                                 DepthwiseSums<kPixels>& other) {
  in += taps.start;
  for (std::size_t tap = 0; tap < taps.count; ++tap) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kBlockVecs; ++v) {
      const Vec w = kOne ? load(weights_one + v * kLanes) : Vec{};
      const Vec u = kOther ? load(weights_other + v * kLanes) : Vec{};
#pragma GCC unroll 8
      for (std::size_t i = 0; i < kPixels; ++i) {
        Vec value = load(in + static_cast<std::ptrdiff_t>(i) * taps.stride + v * kLanes);
        if constexpr (kOne && kOther) value = in_register(value);
        if constexpr (kOne) one[i][v] = from_here(multiply_add(w, value, one[i][v]));
        if constexpr (kOther) other[i][v] = from_here(multiply_add(u, value, other[i][v]));
      }
    }
    in = from_here(in + taps.dilation);
    if constexpr (kOne) weights_one = from_here(weights_one + kBlock);
    if constexpr (kOther) weights_other = from_here(weights_other + kBlock);
  }
}

template <std::size_t kPixels>
[[gnu::always_inline]] inline void finish_depthwise(DepthwiseSums<kPixels>& sums, const Finisher& finisher,
                                                    const Epilogue& epilogue, float* out) {
  const bool is_clamp = finisher.function == Function::kNone;
  if (!kStepByStep || is_clamp) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kPixels; ++i) {
      if constexpr (kStepByStep) {
#pragma GCC unroll 8
        for (Vec& sum : sums[i]) sum = finisher.clamp(sum);
      } else {
        finisher.all(sums[i]);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kPixels; ++i) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kBlockVecs; ++v) store(out + i * kBlock + v * kLanes, sums[i][v]);
  }
  if constexpr (kStepByStep) {
    if (!is_clamp) finish_stored(epilogue, out, kPixels, kBlock);
  }
}

/// Columns of taps from `first_tap` to `last_tap` for kPixels results from `x` on, all of whose taps are inside.
template <std::size_t kPixels, std::ptrdiff_t kStride, bool kPair>
[[gnu::always_inline]] inline void depthwise_pixels(const DepthwiseRow& d, std::ptrdiff_t x, std::size_t first_tap,
                                                    std::size_t last_tap, const Finisher& finisher) {
  constexpr std::ptrdiff_t kWidth = kBlock;
  const std::ptrdiff_t stride = (kStride != 0 ? kStride : d.stride) * kWidth;
  const std::ptrdiff_t dilation = d.dilation * kWidth;
  const DepthwiseTaps taps{
      .start = x * stride - d.pad_left * kWidth + static_cast<std::ptrdiff_t>(first_tap) * dilation,
      .stride = stride,
      .dilation = dilation,
      .count = last_tap - first_tap};
  DepthwiseSums<kPixels> one;
  DepthwiseSums<kPixels> other;
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kBlockVecs; ++v) {
    const Vec bias = load(d.bias + v * kLanes);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kPixels; ++i) {
      one[i][v] = bias;
      if constexpr (kPair) other[i][v] = bias;
    }
  }
  const std::ptrdiff_t row_weights = static_cast<std::ptrdiff_t>(d.kernel_width) * kWidth;
  const float* weights = d.weights + first_tap * kBlock;
  if constexpr (kPair) {
    if (d.rows[0] != nullptr) depthwise_row<kPixels, true, false>(taps, d.rows[0], weights, nullptr, one, other);
    for (std::size_t ky = 1; ky < d.kernel_height; ++ky) {
      const float* const above = weights;
      weights += row_weights;
      if (d.rows[ky] != nullptr) depthwise_row<kPixels, true, true>(taps, d.rows[ky], weights, above, one, other);
    }
    const float* const last = d.rows[d.kernel_height];
    if (last != nullptr) depthwise_row<kPixels, false, true>(taps, last, nullptr, weights, one, other);
    finish_depthwise<kPixels>(other, finisher, d.epilogue, d.second + x * kWidth);
  } else {
    for (std::size_t ky = 0; ky < d.kernel_height; ++ky, weights += row_weights) {
      if (d.rows[ky] != nullptr) depthwise_row<kPixels, true, false>(taps, d.rows[ky], weights, nullptr, one, other);
    }
  }
  finish_depthwise<kPixels>(one, finisher, d.epilogue, d.output + x * kWidth);
}

template <std::size_t kPixels, std::ptrdiff_t kStride, bool kPair>
[[gnu::noinline]] void depthwise_rest(const DepthwiseRow& d, std::ptrdiff_t x, std::size_t pixels,
                                      const Finisher& finisher) {
  if constexpr (kPixels > 0) {
    if (pixels == kPixels) {
      depthwise_pixels<kPixels, kStride, kPair>(d, x, 0, d.kernel_width, finisher);
    } else {
      depthwise_rest<kPixels - 1, kStride, kPair>(d, x, pixels, finisher);
    }
  }
}

template <std::ptrdiff_t kStride, bool kPair>
void depthwise_inside(const DepthwiseRow& d, std::ptrdiff_t x, std::ptrdiff_t end, const Finisher& finisher) {
  constexpr std::size_t kPixels = kPair ? kDepthwisePairPixels : kDepthwisePixels;
  constexpr auto kStep = static_cast<std::ptrdiff_t>(kPixels);
  for (; x + kStep <= end; x += kStep) {
    depthwise_pixels<kPixels, kStride, kPair>(d, x, 0, d.kernel_width, finisher);
  }
  if (x < end) depthwise_rest<kPixels - 1, kStride, kPair>(d, x, static_cast<std::size_t>(end - x), finisher);
}

template <bool kPair>
[[gnu::noinline]] void depthwise_border(const DepthwiseRow& d, std::ptrdiff_t x, std::ptrdiff_t end,
                                        const Finisher& finisher) {
  for (; x < end; ++x) {
    const std::ptrdiff_t start = x * d.stride - d.pad_left;
    std::size_t first = 0;
    while (first < d.kernel_width && start + static_cast<std::ptrdiff_t>(first) * d.dilation < 0) ++first;
    std::size_t last = d.kernel_width;
    while (last > first && start + static_cast<std::ptrdiff_t>(last - 1) * d.dilation >= d.input_width) --last;
    depthwise_pixels<1, 0, kPair>(d, x, first, last, finisher);
  }
}

template <bool kPair>
void depthwise_rows(const DepthwiseRow& d) {
  const Finisher finisher(d.epilogue);
  const auto reach = static_cast<std::ptrdiff_t>(d.kernel_width - 1) * d.dilation;
  // The results all of whose taps are inside: first and one past the last.
  std::ptrdiff_t begin = (d.pad_left + d.stride - 1) / d.stride;
  const std::ptrdiff_t room = d.input_width + d.pad_left - 1 - reach;
  std::ptrdiff_t end = room < 0 ? 0 : room / d.stride + 1;
  if (begin > d.output_width) begin = d.output_width;
  if (end > d.output_width) end = d.output_width;
  if (end < begin) end = begin;
  depthwise_border<kPair>(d, 0, begin, finisher);
  if (d.stride == 1) {
    depthwise_inside<1, kPair>(d, begin, end, finisher);
  } else if (d.stride == 2) {
    depthwise_inside<2, kPair>(d, begin, end, finisher);
  } else {
    depthwise_inside<0, kPair>(d, begin, end, finisher);
  }
  depthwise_border<kPair>(d, end, d.output_width, finisher);
}

inline void depthwise(const DepthwiseRow& d) {
  if (d.second != nullptr) {
    depthwise_rows<true>(d);
  } else {
    depthwise_rows<false>(d);
  }
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
