#include "postprocess/backdrop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "postprocess/coarse_grid.hpp"

namespace silhouette {
namespace {

/// Of a cell: the background's share of its colours, and of its pixels.
constexpr std::size_t kValues = 4;
constexpr double kNoWeight = 1e-6;

std::size_t place(const CoarseGrid& grid, int x, int y) noexcept {
  return (static_cast<std::size_t>(y) * static_cast<std::size_t>(grid.width) + static_cast<std::size_t>(x)) * kValues;
}

void fill_cells(const CoarseGrid& grid, const Image& photo, const float* alpha, int begin, int end, float* cells) {
  for (int y = begin; y < end; ++y) {
    const int bottom = std::min(photo.height, (y + 1) * grid.scale);
    for (int x = 0; x < grid.width; ++x) {
      const int right = std::min(photo.width, (x + 1) * grid.scale);
      std::array<double, kValues> sums{};
      for (int row = y * grid.scale; row < bottom; ++row) {
        const std::uint8_t* pixel =
            photo.row(row) + static_cast<std::size_t>(3) * static_cast<std::size_t>(x * grid.scale);
        const float* opacity = alpha + static_cast<std::size_t>(row) * static_cast<std::size_t>(photo.width) +
                               static_cast<std::size_t>(x * grid.scale);
        for (int column = x * grid.scale; column < right; ++column, pixel += 3, ++opacity) {
          const double weight = *opacity > 0 ? 1 - std::min(*opacity, 1.0F) : 1;  // NaN isn't above 0
          for (std::size_t c = 0; c < 3; ++c) sums[c] += weight * pixel[c];
          sums[3] += weight;
        }
      }
      std::ranges::transform(sums, cells + place(grid, x, y), [](double sum) { return static_cast<float>(sum); });
    }
  }
}

/// Sums over windows; `divides`: by what belongs to the background, which makes colours of them.
void sum_windows(const CoarseGrid& grid, const float* cells, int begin, int end, double* columns, bool divides,
                 float* sums) {
  const auto moments = [&](int x, int y) {
    std::array<double, kValues> values;
    std::copy_n(cells + place(grid, x, y), kValues, values.begin());
    return values;
  };
  const auto keep = [&](int x, int y, const std::array<double, kValues>& found, double count) {
    float* const to = sums + place(grid, x, y);
    for (std::size_t v = 0; v < kValues; ++v) {
      const double value = divides ? (found[3] > kNoWeight ? found[v] / found[3] : 0) : found[v] / count;
      to[v] = static_cast<float>(value);
    }
  };
  for_each_window_sum<kValues>(grid, begin, end, columns, moments, keep);
}

void write_row(const float* row, const CellPosition* positions, int width, std::uint8_t* pixel) {
  for (int x = 0; x < width; ++x, pixel += 3) {
    const float* const cell = row + static_cast<std::size_t>(positions[x].index) * kValues;
    const float weight = positions[x].weight;
    for (std::size_t c = 0; c < 3; ++c) {
      const float value = cell[c] + weight * (cell[kValues + c] - cell[c]);
      pixel[c] = static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F) + 0.5F);
    }
  }
}

std::uint8_t blend(unsigned front, unsigned back, unsigned alpha) noexcept {
  return static_cast<std::uint8_t>((front * alpha + back * (255 - alpha) + 127) / 255);
}

template <class Behind>
Result<Image> lay(const Image& cutout, const Behind& behind) {
  auto picture = Image::create(cutout.width, cutout.height, 3);
  if (!picture) return picture;
  for (int y = 0; y < cutout.height; ++y) {
    const std::uint8_t* from = cutout.row(y);
    std::uint8_t* to = picture->row(y);
    for (int x = 0; x < cutout.width; ++x, from += 4, to += 3) {
      const std::uint8_t* const back = behind(x, y);
      for (std::size_t c = 0; c < 3; ++c) to[c] = blend(from[c], back[c], from[3]);
    }
  }
  return picture;
}

}  // namespace

Result<void> blur_background(Image& photo, std::span<const float> alpha, int radius, ThreadPool& pool,
                             std::stop_token stop) {
  const auto pixels =
      static_cast<std::size_t>(std::max(photo.width, 0)) * static_cast<std::size_t>(std::max(photo.height, 0));
  if (photo.channels != 3 || pixels == 0 || alpha.size() != pixels || radius < 1) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("a background is blurred of an RGB photo, alpha of its size and a radius ≥ 1; the photo is {} "
                    "× {} with {} channels, alpha has {} values, the radius is {}",
                    photo.width, photo.height, photo.channels, alpha.size(), radius));
  }
  const CoarseGrid grid = make_coarse_grid(photo.width, photo.height, radius);
  auto memory = GridMemory::create(grid, photo, kValues, kValues, pool, "the blurred background");
  if (!memory) return std::unexpected(std::move(memory.error()));

  const int band = grid_band(grid);
  float* const cells = memory->cells.data();
  float* const means = memory->means.data();
  const auto sum = [&](const float* from, bool divides, float* to) {
    return for_each_band(grid.height, band, pool, stop, [&](int begin, int end, std::size_t worker) {
      sum_windows(grid, from, begin, end, memory->sums_of(worker), divides, to);
    });
  };
  const bool done =
      for_each_band(
          grid.height, band, pool, stop,
          [&](int begin, int end, std::size_t) { fill_cells(grid, photo, alpha.data(), begin, end, cells); }) &&
      sum(cells, false, means) && sum(means, true, cells) &&
      for_each_photo_row<kValues>(grid, photo.height, cells, *memory, pool, stop, [&](int y, const float* row) {
        write_row(row, memory->across.data(), photo.width, photo.row(y));
      });
  if (!done) return fail(ErrorCode::kCancelled, "blurring the background was cancelled");
  return {};
}

Result<Image> lay_over(const Image& cutout, const Image& behind) {
  if (cutout.channels != 4 || behind.channels != 3 || cutout.width != behind.width || cutout.height != behind.height) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("a cut-out of {} × {} and {} channels is laid over a picture of {} × {} and {}", cutout.width,
                    cutout.height, cutout.channels, behind.width, behind.height, behind.channels));
  }
  return lay(cutout,
             [&](int x, int y) { return behind.row(y) + static_cast<std::size_t>(3) * static_cast<std::size_t>(x); });
}

Result<Image> lay_over(const Image& cutout, const std::array<std::uint8_t, 3>& color) {
  if (cutout.channels != 4) return fail(ErrorCode::kInvalidArgument, "a cut-out has four channels");
  return lay(cutout, [&](int, int) { return color.data(); });
}

}  // namespace silhouette
