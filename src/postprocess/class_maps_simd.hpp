#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "postprocess/columns.hpp"

// The vector loops of make_class_maps. Each is compiled for every instruction set that Highway reaches and picked at
// run time.
//
// The mathematics. With rows a, b of the logits around an output row, and t, u its vertical and horizontal weights:
//   r[x] = a[x] + t (b[x] − a[x])            once per source column and output row
//   d[x] = r[x + 1] − r[x]                   likewise (0 at the last column)
//   v    = r[i] + u d[i]                     once per output pixel and channel
// For finite logits of magnitude ≤ M, and ε = 2⁻²⁴, rounding moves r by at most 5 ε M and v by at most 10 ε M, to first
// order (3 and 6 where multiply-add is fused).
namespace silhouette::simd {

/// Floats in a vector of the instruction set in use.
std::size_t lanes();

/// Highway's number of the instruction set that runs.
std::int64_t target();

/// One output row's interpolation between two rows of every channel, for source columns [first, first + count).
struct RowPair {
  const float* top = nullptr;     ///< channel 0, column 0
  const float* bottom = nullptr;  ///< likewise; may equal `top`
  const float* end = nullptr;     ///< end of the logits: nothing is read from here on
  float weight = 0;               ///< of `bottom`
  std::size_t plane = 0;          ///< floats from channel to channel
  int channels = 0;
};

/// Limits that values are brought into before interpolation; NaN becomes `low`.
struct Limits {
  float low;
  float high;
};

/// Writes r at rows + 2 c stride and d at rows + (2 c + 1) stride for every channel c. stride ≥ count + lanes.
/// Without limits values are taken as they are. Returns the largest magnitude of what r lies between, within the
/// limits; NaN or infinity if a logit that was read is.
float interpolate_rows(const RowPair& pair, int first, int count, const Limits* limits, float* rows,
                       std::size_t stride);

/// Output blocks [begin, end) of one row, and the interpolated rows that hold their source columns from `first` on.
/// `rows` is readable for 2 × lanes floats beyond the last channel's d.
struct Blocks {
  const ColumnPlan* plan = nullptr;
  int begin = 0;
  int end = 0;
  const float* rows = nullptr;
  std::size_t stride = 0;
  int first = 0;
  int channels = 0;
};

/// v itself for the blocks' columns: channel c's at out + c plane, which is the whole row's.
void sample_blocks(const Blocks& blocks, float* out, std::size_t plane);

/// argmax[x] for the blocks' columns; `argmax` is the whole row's.
void argmax_blocks(const Blocks& blocks, std::int32_t* argmax);

/// The same, and softmax probabilities of the classes, each into its row. `bounded`: every |r| is ≤ 80 and there are at
/// most 4096 channels, so that neither exp nor its sum needs a shift by the maximum. `scratch`: channels × lanes
/// floats, aligned to a vector.
void softmax_blocks(const Blocks& blocks, bool bounded, std::span<const int> classes, std::int32_t* argmax,
                    float* const* probabilities, float* scratch);

/// One channel that is a probability already: argmax[x] = v > 0.5; class 1 has v, class 0 has 1 − v.
void threshold_blocks(const Blocks& blocks, std::span<const int> classes, std::int32_t* argmax,
                      float* const* probabilities);

/// For each of `width` columns of one source row: the first channel with the largest value, and by how much it leads
/// the second best. Returns the largest |value|, NaN or infinity as interpolate_rows does (the results then mean
/// nothing).
float row_winners(const float* row, const float* end, std::size_t plane, int channels, int width, std::int32_t* winner,
                  float* lead);

}  // namespace silhouette::simd
