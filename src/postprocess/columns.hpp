#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace silhouette {

/// Where each output position of one axis samples: between `index` and the next source position (clamped to the last),
/// with `weight` on the next one. In the float32 arithmetic of PyTorch's `interpolate(mode="bilinear")`: with
/// half-pixel centres scale = in / out; max(0, scale · (i + 0.5) − 0.5); with aligned corners scale = (in − 1) / (out −
/// 1), 0 if out is 1; scale · i.
struct Axis {
  std::vector<std::int32_t> index;  ///< ascending
  std::vector<float> weight;        ///< 0…1
};

/// `input`, `output` ≥ 1. Equal sizes give index i and weight 0.
Axis make_axis(int input, int output, bool aligned_corners = false);

/// How a vector of output columns gets its source columns; the first that suits all vectors of a row is taken.
enum class ColumnMode : std::uint8_t {
  kCopy,        ///< equal widths: they are contiguous and nothing is interpolated
  kShuffle128,  ///< they lie within 4 columns: broadcast those 16 bytes, then shuffle bytes
  kShuffle,     ///< within one vector: shuffle lanes
  kShuffle2,    ///< within two vectors: shuffle lanes of both
  kGather,      ///< further apart
};

/// The output row cut into blocks of one vector each. The last block overlaps the one before it so that every block is
/// whole, unless the row is narrower than a vector.
struct ColumnPlan {
  ColumnMode mode = ColumnMode::kCopy;
  int width = 0;                    ///< output columns
  int lanes = 0;                    ///< floats in a vector
  int blocks = 0;                   ///< ≥ 1
  std::vector<std::int32_t> start;  ///< [blocks] first output column
  std::vector<std::int32_t> base;   ///< [blocks] first source column
  std::vector<std::int32_t> last;   ///< [blocks] last source column on the left of a sample
  std::vector<std::int32_t> index;  ///< [blocks × lanes] source column − base; for kShuffle128 as four byte indices
  std::vector<float> weight;        ///< [blocks × lanes]
};

ColumnPlan make_column_plan(const Axis& axis, int input, int lanes);

}  // namespace silhouette
