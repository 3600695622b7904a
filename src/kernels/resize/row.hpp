// Included by the file of each instruction set.
#pragma once

#include "kernels/epilogue.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

inline void resize(const ResizeRow& r) {
  const Finisher finisher(r.epilogue);
  constexpr std::ptrdiff_t kWidth = kBlock;
  for (std::size_t x = 0; x < r.output_width; ++x) {
    const std::ptrdiff_t left = r.left[x] * kWidth;
    const std::ptrdiff_t right = r.right[x] * kWidth;
    const float weight = r.weight_right[x];
#pragma GCC unroll 4
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
      const auto at = [lane](const float* row, std::ptrdiff_t i) { return load(row + i + lane); };
      const Vec top = multiply_add(weight, at(r.top, right) - at(r.top, left), at(r.top, left));
      const Vec bottom = multiply_add(weight, at(r.bottom, right) - at(r.bottom, left), at(r.bottom, left));
      store(r.output + x * kBlock + lane, finisher(multiply_add(r.weight_bottom, bottom - top, top)));
    }
  }
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
