#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/kernels.hpp"

namespace silhouette::kernels {

inline constexpr std::size_t kMaxLineProducts = 7;
inline constexpr std::size_t kMaxLinePoints = 6;

/// Lengths of a tile type: lines that it reads, multiplications, lines that it gives.
struct LineShape {
  std::size_t inputs = 0;
  std::size_t products = 0;
  std::size_t outputs = 0;
};
LineShape line_shape(LineType type) noexcept;

/// Tiles of one type, side by side: tile t reads and writes `step` × t pixels further than the first.
struct LineTiles {
  LineType type = LineType::kF4;
  std::int64_t tiles = 0;
  std::int64_t step = 0;
  std::vector<std::int64_t> inputs;   ///< pixels of the first tile; what lies outside the line is zero
  std::vector<std::int64_t> outputs;  ///< likewise; always inside
  std::vector<std::size_t> points;    ///< of each product: which transformed weight it is multiplied with
  std::vector<std::int64_t> slots;  ///< of each product of the first tile: which of the point's data; tile t: t further
};

/// How a line is convolved with three taps at stride 1, with fewer multiplications than three for each result. A
/// convolution of an image is such an algorithm along its columns and one along its rows; of dilation d it is d
/// interleaved lines of dilation 1.
struct LineAlgorithm {
  std::vector<std::array<float, 3>> points;  ///< transformed weight = Σ points[p][j] × tap j
  std::vector<std::int64_t> counts;          ///< data of each point
  std::vector<LineTiles> groups;
  std::int64_t margin = 0;  ///< furthest that any input lies outside the line

  [[nodiscard]] std::int64_t products() const noexcept;  ///< multiplications in all: Σ counts
  /// Whether there are no more transformed weights than taps.
  [[nodiscard]] bool is_short() const noexcept { return points.size() <= 3; }
};

/// The algorithm for result x = Σ tap[j] × line[x − pad + j × dilation]; nothing if there is none here: interleaved
/// lines of one pixel that isn't between zeros. `few_points`: more multiplications rather than more than three points,
/// where that is possible.
std::optional<LineAlgorithm> make_line_algorithm(std::int64_t input, std::int64_t output, std::int64_t pad,
                                                 std::int64_t dilation, bool few_points);

}  // namespace silhouette::kernels
