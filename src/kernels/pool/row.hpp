// Included by the file of each instruction set.
#pragma once

#include "kernels/epilogue.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

template <bool kAverage>
void pool_row(const PoolRow& p) {
  const Finisher finisher(p.epilogue);
  constexpr std::ptrdiff_t kWidth = kBlock;
  for (std::ptrdiff_t x = 0; x < p.output_width; ++x) {
    const std::ptrdiff_t start = x * p.stride - p.pad_left;
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
      Vec acc = kAverage ? Vec{} : splat(-__builtin_inff());
      float pixels = 0;
      for (std::size_t ky = 0; ky < p.kernel_height; ++ky) {
        const float* const row = p.rows[ky];
        if (row == nullptr) continue;
        for (std::size_t kx = 0; kx < p.kernel_width; ++kx) {
          const std::ptrdiff_t column = start + static_cast<std::ptrdiff_t>(kx) * p.dilation;
          if (column < 0 || column >= p.input_width) continue;
          const Vec value = load(row + column * kWidth + static_cast<std::ptrdiff_t>(lane));
          if constexpr (kAverage) {
            acc += value;
            pixels += 1;
          } else {
            acc = max(value, acc);
          }
        }
      }
      if constexpr (kAverage) acc = acc / (pixels > 0 ? pixels : 1.0F);
      store(p.output + x * kWidth + static_cast<std::ptrdiff_t>(lane), finisher(acc));
    }
  }
}

inline void pool(const PoolRow& p) {
  if (p.average) {
    pool_row<true>(p);
  } else {
    pool_row<false>(p);
  }
}

inline void average(const float* input, std::size_t pixels, float* output) {
  for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
    // Four sums, for latency's and for accuracy's sake.
    Vec sums[4] = {};
    std::size_t i = 0;
    for (; i + 4 <= pixels; i += 4) {
#pragma GCC unroll 4
      for (std::size_t j = 0; j < 4; ++j) sums[j] += load(input + (i + j) * kBlock + lane);
    }
    for (; i < pixels; ++i) sums[0] += load(input + i * kBlock + lane);
    store(output + lane, ((sums[0] + sums[1]) + (sums[2] + sums[3])) / static_cast<float>(pixels));
  }
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
