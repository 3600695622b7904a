#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace silhouette {

/// How one axis of an image is resampled: output i is the sum over k of weight[i][k] × input[first[i] + k].
struct AxisWeights {
  int taps = 0;                       ///< weights stored for each output, a multiple of 4; unused ones are 0
  int precision = 0;                  ///< weights are fixed-point numbers with so many fraction bits
  std::vector<std::int32_t> first;    ///< for each output, its first input
  std::vector<std::int32_t> count;    ///< for each output, the inputs that it uses, ≥ 1, all inside the axis
  std::vector<std::int16_t> weights;  ///< outputs × taps

  [[nodiscard]] int outputs() const { return static_cast<int>(first.size()); }
  [[nodiscard]] std::span<const std::int16_t> of(int output) const {
    return std::span(weights).subspan(static_cast<std::size_t>(output) * static_cast<std::size_t>(taps),
                                      static_cast<std::size_t>(taps));
  }
};

/// Weights of a triangle filter that is as wide as an output pixel when shrinking: those of PyTorch's
/// `interpolate(mode="bilinear", antialias=True)` for uint8 on the CPU. They are computed in double precision, scaled
/// to sum 1, and rounded to the most fraction bits with which the largest still fits in 16 bits.
AxisWeights antialias_weights(int inputs, int outputs);

/// Weights of two neighbours with 11 fraction bits, clamped at the ends: the horizontal ones of OpenCV's `INTER_LINEAR`
/// for 8 bits.
AxisWeights linear_weights(int inputs, int outputs);

/// The vertical ones of the same. Outside the image both rows are its edge row, but each keeps its own weight: the two
/// products are truncated one by one, so that this isn't the same as weight 1.
struct LinearRows {
  std::int32_t row[2];
  std::int16_t weight[2];
};
std::vector<LinearRows> linear_rows(int inputs, int outputs);

}  // namespace silhouette
