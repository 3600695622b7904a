#include "postprocess/foreground_colors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "postprocess/coarse_grid.hpp"

namespace silhouette {
namespace {

/// Of one cell, summed up over its pixels: colour times alpha, alpha, colour, and how many they are. Later the
/// foreground's mean colour, one unused, the background's, one unused.
constexpr std::size_t kValues = 8;
/// Weights below this are none: what is rounded to a cell's float is as large.
constexpr double kNoWeight = 1e-6;

float within_unit(float alpha) noexcept {
  return alpha > 0 ? std::min(alpha, 1.0F) : 0.0F;  // NaN isn't
}

void fill_cells(const CoarseGrid& grid, const Image& photo, const float* alpha, int begin, int end, float* cells) {
  for (int y = begin; y < end; ++y) {
    const int bottom = std::min(photo.height, (y + 1) * grid.scale);
    for (int x = 0; x < grid.width; ++x, cells += kValues) {
      const int right = std::min(photo.width, (x + 1) * grid.scale);
      std::array<double, kValues> sums{};
      for (int row = y * grid.scale; row < bottom; ++row) {
        const auto left = static_cast<std::size_t>(x * grid.scale);
        const std::uint8_t* pixel = photo.row(row) + 3 * left;
        const float* opacity = alpha + static_cast<std::size_t>(row) * static_cast<std::size_t>(photo.width) + left;
        for (int column = x * grid.scale; column < right; ++column, pixel += 3, ++opacity) {
          const double weight = within_unit(*opacity);
          for (std::size_t c = 0; c < 3; ++c) {
            sums[c] += weight * pixel[c];
            sums[4 + c] += pixel[c];
          }
          sums[3] += weight;
          sums[7] += 1;
        }
      }
      for (std::size_t v = 0; v < kValues; ++v) cells[v] = static_cast<float>(sums[v]);
    }
  }
}

void average_cells(const CoarseGrid& grid, const float* cells, int begin, int end, double* columns, float* means) {
  const auto at = [&](int x, int y) {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(grid.width) + static_cast<std::size_t>(x)) * kValues;
  };
  const auto moments = [&](int x, int y) {
    std::array<double, kValues> values;
    std::copy_n(cells + at(x, y), kValues, values.begin());
    return values;
  };
  const auto average = [&](int x, int y, const std::array<double, kValues>& sums, double) {
    float* const mean = means + at(x, y);
    const double weight = sums[3];
    const double rest = sums[7] - weight;
    for (std::size_t c = 0; c < 3; ++c) {
      // Where there is nothing of the one, nobody asks for it but as a neighbour's neighbour.
      const double whole = sums[4 + c] / sums[7];
      mean[c] = static_cast<float>(weight > kNoWeight ? std::clamp(sums[c] / weight, 0.0, 255.0) : whole);
      mean[4 + c] =
          static_cast<float>(rest > kNoWeight ? std::clamp((sums[4 + c] - sums[c]) / rest, 0.0, 255.0) : whole);
    }
    mean[3] = mean[7] = 0;
  };
  for_each_window_sum<kValues>(grid, begin, end, columns, moments, average);
}

void correct_row(const float* means, const CellPosition* positions, const float* alpha, int width,
                 std::uint8_t* pixel) {
  for (int x = 0; x < width; ++x, pixel += 3) {
    const float a = within_unit(alpha[x]);
    if (a == 0 || a == 1) continue;
    const float* const cell = means + static_cast<std::size_t>(positions[x].index) * kValues;
    const float weight = positions[x].weight;
    for (std::size_t c = 0; c < 3; ++c) {
      const float front = cell[c] + weight * (cell[kValues + c] - cell[c]);
      const float back = cell[4 + c] + weight * (cell[kValues + 4 + c] - cell[4 + c]);
      const float found = front + a * (static_cast<float>(pixel[c]) - a * front - (1 - a) * back);
      pixel[c] = static_cast<std::uint8_t>(std::clamp(found, 0.0F, 255.0F) + 0.5F);
    }
  }
}

}  // namespace

Result<void> estimate_foreground(Image& photo, std::span<const float> alpha, int radius, ThreadPool& pool,
                                 std::stop_token stop) {
  const auto pixels =
      static_cast<std::size_t>(std::max(photo.width, 0)) * static_cast<std::size_t>(std::max(photo.height, 0));
  if (photo.channels != 3 || pixels == 0 || alpha.size() != pixels || radius < 1) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("a foreground's colours need an RGB photo, alpha of its size and a radius ≥ 1; the photo is "
                    "{} × {} with {} channels, alpha has {} values, the radius is {}",
                    photo.width, photo.height, photo.channels, alpha.size(), radius));
  }
  const CoarseGrid grid = make_coarse_grid(photo.width, photo.height, radius);
  auto memory = GridMemory::create(grid, photo, kValues, kValues, pool, "the foreground's colours");
  if (!memory) return std::unexpected(std::move(memory.error()));
  const std::size_t row_floats = static_cast<std::size_t>(grid.width) * kValues;

  const int band = grid_band(grid);
  float* const cells = memory->cells.data();
  float* const means = memory->means.data();
  const bool done =
      for_each_band(grid.height, band, pool, stop,
                    [&](int begin, int end, std::size_t) {
                      fill_cells(grid, photo, alpha.data(), begin, end,
                                 cells + static_cast<std::size_t>(begin) * row_floats);
                    }) &&
      for_each_band(grid.height, band, pool, stop,
                    [&](int begin, int end, std::size_t worker) {
                      average_cells(grid, cells, begin, end, memory->sums_of(worker), means);
                    }) &&
      for_each_photo_row<kValues>(grid, photo.height, means, *memory, pool, stop, [&](int y, const float* row) {
        const auto first = static_cast<std::size_t>(y) * static_cast<std::size_t>(photo.width);
        correct_row(row, memory->across.data(), alpha.data() + first, photo.width, photo.row(y));
      });
  if (!done) return fail(ErrorCode::kCancelled, "estimating the foreground's colours was cancelled");
  return {};
}

}  // namespace silhouette
