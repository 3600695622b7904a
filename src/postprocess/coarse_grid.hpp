#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>

#include "base/aligned_buffer.hpp"
#include "base/image.hpp"
#include "base/thread_pool.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Squares of `scale` × `scale` pixels of a photo, those at its right and lower edge cut off: where sums over large
/// windows are cheap, and what changes slowly is kept.
struct CoarseGrid {
  int scale = 1;
  int width = 0;
  int height = 0;
  int radius = 1;  ///< of windows, in cells

  [[nodiscard]] std::size_t cells() const noexcept {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  }
};

/// Windows of `radius` ≥ 1 pixels become ones of 8 to 15 cells (larger ones than the photo, as large as it), or fewer
/// where the grid would have more than a million cells.
CoarseGrid make_coarse_grid(int photo_width, int photo_height, int radius) noexcept;

/// Where the pixels of one axis lie between cells' centres: `weight` is that of the cell after `index`, which is there
/// if the weight isn't 0.
struct CellPosition {
  std::int32_t index;
  float weight;
};
Result<AlignedBuffer<CellPosition>> cell_positions(int pixels, int scale);

/// All memory that a filter on a grid's cells works in, so that nothing is allocated inside its loops.
struct GridMemory {
  AlignedBuffer<float> cells;  ///< `values` floats a cell
  AlignedBuffer<float> means;  ///< likewise
  AlignedBuffer<double> sums;  ///< scratch of for_each_window_sum, one a worker
  AlignedBuffer<float> rows;   ///< of interpolate_row, one a worker
  AlignedBuffer<CellPosition> across;
  AlignedBuffer<CellPosition> down;
  std::size_t columns = 0;  ///< doubles of one worker's sums
  std::size_t row = 0;      ///< floats of one worker's row

  /// `moments`: the most that are summed up. `what` names it in messages. kLimitExceeded.
  static Result<GridMemory> create(const CoarseGrid& grid, const Image& photo, std::size_t values, std::size_t moments,
                                   const ThreadPool& pool, const char* what);

  [[nodiscard]] double* sums_of(std::size_t worker) noexcept { return sums.data() + worker * columns; }
  [[nodiscard]] float* row_of(std::size_t worker) noexcept { return rows.data() + worker * row; }
};

/// Sums of `kMoments` values of cells over the windows around the cells of rows [begin, end), windows cut off at the
/// grid's edges. `moments(x, y)`: a cell's values as std::array<double, kMoments>. Calls sink(x, y, sums, cells in the
/// window). `columns`: width × kMoments doubles of scratch.
template <std::size_t kMoments, class Moments, class Sink>
void for_each_window_sum(const CoarseGrid& grid, int begin, int end, double* columns, const Moments& moments,
                         const Sink& sink) {
  using Values = std::array<double, kMoments>;
  const auto add_row = [&](int y, double sign) {
    double* column = columns;
    for (int x = 0; x < grid.width; ++x, column += kMoments) {
      const Values values = moments(x, y);
      for (std::size_t m = 0; m < kMoments; ++m) column[m] += sign * values[m];
    }
  };
  std::fill_n(columns, static_cast<std::size_t>(grid.width) * kMoments, 0.0);
  for (int y = std::max(0, begin - grid.radius); y < std::min(grid.height, begin + grid.radius); ++y) add_row(y, 1);
  for (int y = begin; y < end; ++y) {
    if (y + grid.radius < grid.height) add_row(y + grid.radius, 1);
    if (y - grid.radius - 1 >= 0 && y > begin) add_row(y - grid.radius - 1, -1);
    const int rows = std::min(grid.height, y + grid.radius + 1) - std::max(0, y - grid.radius);
    Values sums{};
    const auto add_column = [&](int x, double sign) {
      const double* const column = columns + static_cast<std::size_t>(x) * kMoments;
      for (std::size_t m = 0; m < kMoments; ++m) sums[m] += sign * column[m];
    };
    for (int x = 0; x < std::min(grid.width, grid.radius); ++x) add_column(x, 1);
    for (int x = 0; x < grid.width; ++x) {
      if (x + grid.radius < grid.width) add_column(x + grid.radius, 1);
      if (x - grid.radius - 1 >= 0) add_column(x - grid.radius - 1, -1);
      const int across = std::min(grid.width, x + grid.radius + 1) - std::max(0, x - grid.radius);
      sink(x, y, sums, static_cast<double>(rows) * across);
    }
  }
}

/// Runs body(first row, end of rows, worker) for bands of `band` rows, each on one thread; rows are cut the same way
/// however many threads there are. Whether all of them ran: bands that begin after `stop` is requested don't.
template <class Body>
bool for_each_band(int rows, int band, ThreadPool& pool, const std::stop_token& stop, const Body& body) {
  pool.parallel_for(static_cast<std::size_t>((rows + band - 1) / band), [&](std::size_t task, std::size_t worker) {
    if (stop.stop_requested()) return;
    const int begin = static_cast<int>(task) * band;
    body(begin, std::min(rows, begin + band), worker);
  });
  return !stop.stop_requested();
}

/// Rows of a grid's band: so many that what each band sums up anew is little beside it.
inline int grid_band(const CoarseGrid& grid) noexcept {
  return std::max(32, 4 * grid.radius);
}
inline constexpr int kPhotoBand = 32;

/// A row of cells of `kValues` floats at the height of a photo's row, and after it once more its last: the right
/// neighbour that positions may name. `row`: (width + 1) × kValues.
template <std::size_t kValues>
void interpolate_row(const CoarseGrid& grid, const float* cells, CellPosition position, float* row) {
  const std::size_t floats = static_cast<std::size_t>(grid.width) * kValues;
  const float* const top = cells + static_cast<std::size_t>(position.index) * floats;
  const float* const bottom = position.index + 1 < grid.height ? top + floats : top;
  for (std::size_t i = 0; i < floats; ++i) row[i] = top[i] + position.weight * (bottom[i] - top[i]);
  std::copy_n(row + floats - kValues, kValues, row + floats);
}

/// Runs body(y, row of cells at that height) for every row of a photo. Whether all of them ran.
template <std::size_t kValues, class Body>
bool for_each_photo_row(const CoarseGrid& grid, int height, const float* cells, GridMemory& memory, ThreadPool& pool,
                        const std::stop_token& stop, const Body& body) {
  return for_each_band(height, kPhotoBand, pool, stop, [&](int begin, int end, std::size_t worker) {
    float* const row = memory.row_of(worker);
    for (int y = begin; y < end; ++y) {
      interpolate_row<kValues>(grid, cells, memory.down[static_cast<std::size_t>(y)], row);
      body(y, row);
    }
  });
}

}  // namespace silhouette
