// Included by the file of each instruction set.
#pragma once

#include <utility>

#include "kernels/simd.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

/// One stage of a transposition: exchanges the lanes whose number has bit kStep with the rows whose number has it.
template <std::size_t kStep, std::size_t... kLane>
[[gnu::always_inline]] inline void exchange(Vec& a, Vec& b, std::index_sequence<kLane...> /*lanes*/) {
  const Vec first = __builtin_shufflevector(a, b, static_cast<int>(kLane & kStep ? kLanes + kLane - kStep : kLane)...);
  b = __builtin_shufflevector(a, b, static_cast<int>(kLane & kStep ? kLanes + kLane : kLane + kStep)...);
  a = first;
}

template <std::size_t kStep = 1>
[[gnu::always_inline]] inline void transpose(Vec (&rows)[kLanes]) {
  if constexpr (kStep < kLanes) {
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; ++i) {
      if ((i & kStep) == 0) exchange<kStep>(rows[i], rows[i + kStep], std::make_index_sequence<kLanes>());
    }
    transpose<2 * kStep>(rows);
  }
}

/// Known at compile time, the number of lines makes this a few shuffles for every vector.
template <std::size_t kLines>
void interleave_lines(const float* input, std::size_t input_stride, std::size_t count, float* output) {
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t line = 0; line < kLines; ++line) output[i * kLines + line] = input[line * input_stride + i];
  }
}
template <std::size_t kLines>
void separate_lines(const float* input, std::size_t count, float* output, std::size_t output_stride) {
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t line = 0; line < kLines; ++line) output[line * output_stride + i] = input[i * kLines + line];
  }
}

inline bool transpose_few(const MatrixTransposition& t) {
  if (t.output_stride == t.rows) {
    switch (t.rows) {
      case 2: interleave_lines<2>(t.input, t.input_stride, t.columns, t.output); return true;
      case 3: interleave_lines<3>(t.input, t.input_stride, t.columns, t.output); return true;
      case 4: interleave_lines<4>(t.input, t.input_stride, t.columns, t.output); return true;
      default: break;
    }
  }
  if (t.input_stride == t.columns) {
    switch (t.columns) {
      case 2: separate_lines<2>(t.input, t.rows, t.output, t.output_stride); return true;
      case 3: separate_lines<3>(t.input, t.rows, t.output, t.output_stride); return true;
      case 4: separate_lines<4>(t.input, t.rows, t.output, t.output_stride); return true;
      default: break;
    }
  }
  return false;
}

inline void transpose_matrix(const MatrixTransposition& t) {
  if (transpose_few(t)) return;
  for (std::size_t row = 0; row < t.rows; row += kLanes) {
    const std::size_t rows = t.rows - row < kLanes ? t.rows - row : kLanes;
    std::size_t column = 0;
    for (; rows == kLanes && column + kLanes <= t.columns; column += kLanes) {
      Vec tile[kLanes];
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kLanes; ++i) tile[i] = load_anywhere(t.input + (row + i) * t.input_stride + column);
      transpose(tile);
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kLanes; ++i) {
        store_anywhere(t.output + (column + i) * t.output_stride + row, tile[i]);
      }
    }
    for (; column < t.columns; ++column) {
      float* const output = t.output + column * t.output_stride + row;
      const float* const input = t.input + row * t.input_stride + column;
      for (std::size_t i = 0; i < rows; ++i) output[i] = input[i * t.input_stride];
    }
  }
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
