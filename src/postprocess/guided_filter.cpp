#include "postprocess/guided_filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "postprocess/coarse_grid.hpp"

namespace silhouette {
namespace {

/// Four floats in one register of any processor.
using Four [[gnu::vector_size(16)]] = float;

/// Of one cell: red, green, blue (0…1) and probability; later a's three components and b.
constexpr std::size_t kValues = 4;
/// Means of colour and probability, of products of colours, and of colour and probability.
constexpr std::size_t kMoments = 13;
constexpr int kWindowRadiusInMapPixels = 3;

Result<void> check(const ProbabilityView& map, const Image& photo, const GuidedFilter& filter) {
  const bool sound_photo = photo.channels == 3 && photo.width > 0 && photo.height > 0;
  const bool sound_map =
      map.width > 0 && map.height > 0 && map.width <= kMaxImageSide && map.height <= kMaxImageSide &&
      map.values.size() == static_cast<std::size_t>(map.width) * static_cast<std::size_t>(map.height);
  if (!sound_photo || !sound_map) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a cut-out's edge is refined by an RGB photo and a map of probabilities; the photo is "
                            "{} × {} with {} channels, the map {} × {} with {} values",
                            photo.width, photo.height, photo.channels, map.width, map.height, map.values.size()));
  }
  // NaN is within nothing.
  if (filter.radius < 0 || !(filter.epsilon >= 1e-6F && filter.epsilon <= 1) ||
      !(filter.low >= 0 && filter.low < filter.high && filter.high <= 1)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a cut-out's edge is refined with a radius ≥ 0, epsilon within 0.000001 … 1 and "
                            "0 ≤ low < high ≤ 1, not with {}, {}, {}, {}",
                            filter.radius, filter.epsilon, filter.low, filter.high));
  }
  return {};
}

/// The map, at any point of the photo.
class Sampler {
 public:
  explicit Sampler(const ProbabilityView& map) : map_(map) {}

  /// x, y: 0…1 from the photo's left and upper edge. Bilinear, edges continued.
  [[nodiscard]] double at(double x, double y) const {
    const auto column = place(x, map_.width);
    const auto row = place(y, map_.height);
    const double top = mix(value(row.first, column.first), value(row.first, column.next), column.weight);
    const double bottom = mix(value(row.next, column.first), value(row.next, column.next), column.weight);
    return mix(top, bottom, row.weight);
  }

 private:
  struct Place {
    int first;
    int next;
    double weight;
  };
  static Place place(double position, int size) {
    const double at = std::clamp(position * size - 0.5, 0.0, static_cast<double>(size - 1));
    const int first = static_cast<int>(at);
    return {first, std::min(first + 1, size - 1), at - first};
  }
  static double mix(double a, double b, double weight) { return a + weight * (b - a); }
  [[nodiscard]] double value(int y, int x) const {
    const float found =
        map_.values[static_cast<std::size_t>(y) * static_cast<std::size_t>(map_.width) + static_cast<std::size_t>(x)];
    return found >= 0 ? std::min(double{found}, 1.0) : 0.0;  // NaN isn't
  }

  ProbabilityView map_;
};

/// The mean colour of each cell's pixels, and of the map's samples in it: one for each pixel that the map has there.
void fill_cells(const CoarseGrid& grid, const ProbabilityView& map, const Image& photo, int begin, int end,
                float* cells) {
  const Sampler sampler(map);
  const int across = (map.width - 1) / grid.width + 1;
  const int down = (map.height - 1) / grid.height + 1;
  for (int y = begin; y < end; ++y) {
    const int top = y * grid.scale;
    const int bottom = std::min(photo.height, top + grid.scale);
    for (int x = 0; x < grid.width; ++x) {
      const int left = x * grid.scale;
      const int right = std::min(photo.width, left + grid.scale);
      std::array<std::uint64_t, 3> sums{};
      for (int row = top; row < bottom; ++row) {
        const std::uint8_t* pixel = photo.row(row) + 3 * static_cast<std::size_t>(left);
        for (int column = left; column < right; ++column, pixel += 3) {
          for (std::size_t c = 0; c < 3; ++c) sums[c] += pixel[c];
        }
      }
      double probability = 0;
      for (int j = 0; j < down; ++j) {
        const double v = (top + (bottom - top) * (j + 0.5) / down) / photo.height;
        for (int i = 0; i < across; ++i)
          probability += sampler.at((left + (right - left) * (i + 0.5) / across) / photo.width, v);
      }
      const double whole = 255.0 * ((bottom - top) * static_cast<double>(right - left));
      float* const cell =
          cells +
          (static_cast<std::size_t>(y) * static_cast<std::size_t>(grid.width) + static_cast<std::size_t>(x)) * kValues;
      for (std::size_t c = 0; c < 3; ++c) cell[c] = static_cast<float>(static_cast<double>(sums[c]) / whole);
      cell[3] = static_cast<float>(probability / (static_cast<double>(across) * down));
    }
  }
}

/// The a of one window: (covariances of the colours + epsilon) a = covariances with the probability. The matrix is
/// symmetric and positive, so that L D Lᵀ needs no pivot.
std::array<double, 3> solve(const std::array<double, 6>& matrix, const std::array<double, 3>& right) {
  const auto [m00, m01, m02, m11, m12, m22] = matrix;
  const double l10 = m01 / m00;
  const double l20 = m02 / m00;
  const double d1 = m11 - l10 * m01;
  const double l21 = (m12 - l20 * m01) / d1;
  const double d2 = m22 - l20 * m02 - l21 * l21 * d1;
  const double z1 = right[1] - l10 * right[0];
  const double z2 = right[2] - l20 * right[0] - l21 * z1;
  const double a2 = z2 / d2;
  const double a1 = z1 / d1 - l21 * a2;
  const double a0 = right[0] / m00 - l10 * a1 - l20 * a2;
  return {a0, a1, a2};
}

const float* cell_of(const CoarseGrid& grid, const float* cells, int x, int y) {
  return cells +
         (static_cast<std::size_t>(y) * static_cast<std::size_t>(grid.width) + static_cast<std::size_t>(x)) * kValues;
}

void fit_lines(const CoarseGrid& grid, double epsilon, const float* cells, int begin, int end, double* columns,
               float* lines) {
  const auto moments = [&](int x, int y) {
    const float* const cell = cell_of(grid, cells, x, y);
    const double r = cell[0];
    const double g = cell[1];
    const double b = cell[2];
    const double p = cell[3];
    return std::array<double, kMoments>{r, g, b, p, r * r, r * g, r * b, g * g, g * b, b * b, r * p, g * p, b * p};
  };
  const auto fit = [&](int x, int y, const std::array<double, kMoments>& sums, double count) {
    std::array<double, kMoments> mean;
    for (std::size_t m = 0; m < kMoments; ++m) mean[m] = sums[m] / count;
    const auto [r, g, b, p, rr, rg, rb, gg, gb, bb, rp, gp, bp] = mean;
    const auto a = solve({std::max(0.0, rr - r * r) + epsilon, rg - r * g, rb - r * b,
                          std::max(0.0, gg - g * g) + epsilon, gb - g * b, std::max(0.0, bb - b * b) + epsilon},
                         {rp - r * p, gp - g * p, bp - b * p});
    float* const line = lines + (cell_of(grid, cells, x, y) - cells);
    for (std::size_t c = 0; c < 3; ++c) line[c] = static_cast<float>(a[c]);
    line[3] = static_cast<float>(p - a[0] * r - a[1] * g - a[2] * b);
  };
  for_each_window_sum<kMoments>(grid, begin, end, columns, moments, fit);
}

void average_lines(const CoarseGrid& grid, const float* lines, int begin, int end, double* columns, float* means) {
  const auto moments = [&](int x, int y) {
    const float* const line = cell_of(grid, lines, x, y);
    return std::array<double, kValues>{line[0], line[1], line[2], line[3]};
  };
  const auto average = [&](int x, int y, const std::array<double, kValues>& sums, double count) {
    float* const mean = means + (cell_of(grid, lines, x, y) - lines);
    for (std::size_t v = 0; v < kValues; ++v) mean[v] = static_cast<float>(sums[v] / count);
  };
  for_each_window_sum<kValues>(grid, begin, end, columns, moments, average);
}

/// Whether colour makes no difference. What sums have kept of values that left them does not either.
bool is_flat(const Four& line) noexcept {
  constexpr float kNothing = 1e-9F;
  return std::abs(line[0]) < kNothing && std::abs(line[1]) < kNothing && std::abs(line[2]) < kNothing;
}

/// One row of alpha from one row of means, each of which is followed by its right neighbour. Most pixels lie between
/// cells that have decided on one alpha, whatever the colour.
void apply_row(const float* means, const CellPosition* positions, const std::uint8_t* pixel, int width,
               const GuidedFilter& filter, float* alpha) {
  const float gain = 1 / (filter.high - filter.low);
  for (int x = 0; x < width;) {
    const std::int32_t index = positions[x].index;
    Four left;
    Four right;
    std::memcpy(&left, means + static_cast<std::size_t>(index) * kValues, sizeof left);
    std::memcpy(&right, means + (static_cast<std::size_t>(index) + 1) * kValues, sizeof right);
    const auto alpha_of = [&](const CellPosition& position, const std::uint8_t* color) {
      const Four values{static_cast<float>(color[0]), static_cast<float>(color[1]), static_cast<float>(color[2]), 255};
      const Four products = (left + position.weight * (right - left)) * values;
      const float found = ((products[0] + products[1]) + (products[2] + products[3])) * (1 / 255.0F);
      return std::clamp((found - filter.low) * gain, 0.0F, 1.0F);
    };
    const bool decided = is_flat(left) && is_flat(right) && left[3] == right[3];
    const float decision = decided ? alpha_of(positions[x], pixel) : 0.0F;
    for (; x < width && positions[x].index == index; ++x, pixel += 3)
      alpha[x] = decided ? decision : alpha_of(positions[x], pixel);
  }
}

}  // namespace

int guided_radius(const ProbabilityView& map, const Image& photo, const GuidedFilter& filter) noexcept {
  const int side = std::max(photo.width, photo.height);
  if (filter.radius > 0) return std::min(filter.radius, side);
  const double pixels =
      std::max(static_cast<double>(photo.width) / map.width, static_cast<double>(photo.height) / map.height);
  return std::clamp(static_cast<int>(std::lround(kWindowRadiusInMapPixels * pixels)), 1, side);
}

Result<AlignedBuffer<float>> guided_alpha(const ProbabilityView& map, const Image& photo, const GuidedFilter& filter,
                                          ThreadPool& pool, std::stop_token stop) {
  if (auto checked = check(map, photo, filter); !checked) return std::unexpected(std::move(checked.error()));
  const CoarseGrid grid = make_coarse_grid(photo.width, photo.height, guided_radius(map, photo, filter));
  const auto pixels = static_cast<std::size_t>(photo.width) * static_cast<std::size_t>(photo.height);
  auto alpha = AlignedBuffer<float>::create(pixels, "the alpha");
  if (!alpha) return alpha;
  auto memory = GridMemory::create(grid, photo, kValues, kMoments, pool, "the guided filter");
  if (!memory) return std::unexpected(std::move(memory.error()));

  const int band = grid_band(grid);
  float* const cells = memory->cells.data();
  float* const lines = memory->means.data();
  const bool done =
      for_each_band(grid.height, band, pool, stop,
                    [&](int begin, int end, std::size_t) { fill_cells(grid, map, photo, begin, end, cells); }) &&
      for_each_band(grid.height, band, pool, stop,
                    [&](int begin, int end, std::size_t worker) {
                      fit_lines(grid, double{filter.epsilon}, cells, begin, end, memory->sums_of(worker), lines);
                    }) &&
      // The cells have been read: their means take their place.
      for_each_band(grid.height, band, pool, stop,
                    [&](int begin, int end, std::size_t worker) {
                      average_lines(grid, lines, begin, end, memory->sums_of(worker), cells);
                    }) &&
      for_each_photo_row<kValues>(grid, photo.height, cells, *memory, pool, stop, [&](int y, const float* row) {
        apply_row(row, memory->across.data(), photo.row(y), photo.width, filter,
                  alpha->data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(photo.width));
      });
  if (!done) return fail(ErrorCode::kCancelled, "refining the cut-out's edge was cancelled");
  return alpha;
}

}  // namespace silhouette
