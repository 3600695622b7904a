#include "kernels/winograd/line.hpp"

#include <algorithm>
#include <numeric>

namespace silhouette::kernels {
namespace {

/// The row of G of a point whose differences from the others have the product `scale`.
constexpr std::array<float, 3> point(double at, double scale) {
  return {static_cast<float>(1 / scale), static_cast<float>(at / scale), static_cast<float>(at * at / scale)};
}

constexpr double kA = kPointA;
constexpr double kB = kPointB;
constexpr double kScaleA = 2 * kA * kA * (kA * kA - kB * kB);
constexpr double kScaleB = 2 * kB * kB * (kB * kB - kA * kA);
/// Rows of G for the points 0, a, −a, ∞, b, −b.
constexpr std::array<std::array<float, 3>, 6> kPoints{point(0, kA * kA * kB * kB), point(kA, kScaleA),
                                                      point(-kA, kScaleA),         {0, 0, 1},
                                                      point(kB, kScaleB),          point(-kB, kScaleB)};
constexpr std::array<std::array<float, 3>, 4> kShortPoints{{{0, 1, 0}, {0, -1, 1}, {1, -1, 0}, {0, -0.5F, 1}}};

std::vector<std::size_t> points_of(LineType type) {
  switch (type) {
    case LineType::kF4: return {0, 1, 2, 3, 4, 5};
    case LineType::kF3: return {0, 1, 2, 3, 4};
    case LineType::kF2: return {0, 1, 2, 3};
    case LineType::kShort1: return {0};
    case LineType::kShort2: return {0, 1, 2};
    case LineType::kShort3: return {0, 0, 0, 1, 1, 2, 2};
    case LineType::kShort3BySix: return {0, 0, 2, 2, 3, 3};
  }
  return {};
}

class Builder {
 public:
  Builder(std::int64_t input, std::int64_t pad, std::int64_t dilation)
      : input_(input), pad_(pad), dilation_(dilation) {}

  /// `tiles` tiles of `type`, the first one's first result at `start`, `step` pixels apart.
  void add(LineType type, std::int64_t start, std::int64_t tiles, std::int64_t step) {
    const LineShape shape = line_shape(type);
    LineTiles group{.type = type,
                    .tiles = tiles,
                    .step = step,
                    .inputs = {},
                    .outputs = {},
                    .points = points_of(type),
                    .slots = {}};
    const bool is_short = type >= LineType::kShort1;
    for (std::size_t i = 0; i < shape.inputs; ++i) {
      const std::int64_t at = start + static_cast<std::int64_t>(i) * dilation_ - (is_short ? 0 : pad_);
      group.inputs.push_back(at);
      algorithm_.margin = std::max({algorithm_.margin, -at, at + (tiles - 1) * step - input_ + 1});
    }
    for (std::size_t i = 0; i < shape.outputs; ++i) {
      group.outputs.push_back(start + static_cast<std::int64_t>(i) * dilation_);
    }
    for (const std::size_t point : group.points) {
      if (algorithm_.counts.size() <= point) algorithm_.counts.resize(point + 1);
      group.slots.push_back(algorithm_.counts[point]);
      algorithm_.counts[point] += tiles;
    }
    algorithm_.groups.push_back(std::move(group));
  }

  template <std::size_t N>
  LineAlgorithm finish(const std::array<std::array<float, 3>, N>& points) {
    std::vector<std::size_t> numbers;  // without the points that nothing is multiplied with
    for (std::size_t i = 0; i < algorithm_.counts.size(); ++i) {
      numbers.push_back(algorithm_.points.size());
      if (algorithm_.counts[i] > 0) algorithm_.points.push_back(points[i]);
    }
    std::erase(algorithm_.counts, 0);
    for (LineTiles& group : algorithm_.groups) {
      for (std::size_t& point : group.points) point = numbers[point];
    }
    return std::move(algorithm_);
  }

 private:
  std::int64_t input_;
  std::int64_t pad_;
  std::int64_t dilation_;
  LineAlgorithm algorithm_;
};

struct Residues {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t length = 0;  ///< results of each
};

/// The interleaved lines: those of the greater length first.
std::vector<Residues> residues(std::int64_t output, std::int64_t dilation) {
  const std::int64_t longer = output % dilation;
  const std::int64_t length = output / dilation;
  std::vector<Residues> result;
  if (longer > 0) result.push_back({0, longer, length + 1});
  if (length > 0) result.push_back({longer, dilation - longer, length});
  return result;
}

}  // namespace

LineShape line_shape(LineType type) noexcept {
  switch (type) {
    case LineType::kF4: return {6, 6, 4};
    case LineType::kF3: return {5, 5, 3};
    case LineType::kF2: return {4, 4, 2};
    case LineType::kShort1: return {1, 1, 1};
    case LineType::kShort2: return {2, 3, 2};
    case LineType::kShort3: return {3, 7, 3};
    case LineType::kShort3BySix: return {3, 6, 3};
  }
  return {};
}

std::int64_t LineAlgorithm::products() const noexcept {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

std::optional<LineAlgorithm> make_line_algorithm(std::int64_t input, std::int64_t output, std::int64_t pad,
                                                 std::int64_t dilation, bool few_points) {
  const std::vector<Residues> lines = residues(output, dilation);
  Builder builder(input, pad, dilation);
  const auto is_between_zeros = [&](const Residues& line) { return line.length <= 3; };
  if (pad == dilation && input == output && std::ranges::all_of(lines, is_between_zeros)) {
    const LineType three = few_points && lines.size() > 1 ? LineType::kShort3 : LineType::kShort3BySix;
    for (const Residues& line : lines) {
      const LineType type = line.length == 1 ? LineType::kShort1 : line.length == 2 ? LineType::kShort2 : three;
      builder.add(type, line.first, line.count, 1);
    }
    return builder.finish(kShortPoints);
  }
  if (lines.empty() || lines.back().length < 2) return std::nullopt;
  // Larger tiles first, so that points which only they have keep their data together.
  for (const LineType type : {LineType::kF4, LineType::kF3, LineType::kF2}) {
    for (const Residues& line : lines) {
      // 4 + … + 4 and what is left over; 5 is 3 + 2, since one result alone would cost three multiplications.
      const std::int64_t rest = line.length % 4;
      const std::int64_t fours = line.length / 4 - (rest == 1 ? 1 : 0);
      std::int64_t from = 0;
      std::int64_t tiles = 0;
      std::int64_t size = 4;
      if (type == LineType::kF4) {
        tiles = fours;
      } else if (type == LineType::kF3) {
        from = 4 * fours;
        size = 3;
        tiles = rest == 3 || rest == 1 ? 1 : 0;
      } else {
        from = 4 * fours + (rest == 1 ? 3 : 0);
        size = 2;
        tiles = rest == 2 || rest == 1 ? 1 : 0;
      }
      if (dilation == 1) {
        if (tiles > 0) builder.add(type, line.first + from, tiles, size);
      } else {
        for (std::int64_t t = 0; t < tiles; ++t) {
          builder.add(type, line.first + (from + t * size) * dilation, line.count, 1);
        }
      }
    }
  }
  return builder.finish(kPoints);
}

}  // namespace silhouette::kernels
