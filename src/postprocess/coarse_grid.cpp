#include "postprocess/coarse_grid.hpp"

#include <utility>

namespace silhouette {
namespace {

constexpr int kFewestCells = 8;  ///< of a window's radius: below, edges a few pixels wide come out with stairs
constexpr std::int64_t kMostCells = std::int64_t{1} << 20;

int cells_along(int pixels, int scale) noexcept {
  return (pixels - 1) / scale + 1;
}

}  // namespace

CoarseGrid make_coarse_grid(int photo_width, int photo_height, int radius) noexcept {
  const int reach = std::clamp(radius, 1, std::max(photo_width, photo_height));
  CoarseGrid grid;
  grid.scale = std::max(1, reach / kFewestCells);
  while (std::int64_t{cells_along(photo_width, grid.scale)} * cells_along(photo_height, grid.scale) > kMostCells)
    ++grid.scale;
  grid.width = cells_along(photo_width, grid.scale);
  grid.height = cells_along(photo_height, grid.scale);
  grid.radius = std::max(1, reach / grid.scale);
  return grid;
}

Result<AlignedBuffer<CellPosition>> cell_positions(int pixels, int scale) {
  auto positions = AlignedBuffer<CellPosition>::create(static_cast<std::size_t>(pixels), "positions");
  if (!positions) return positions;
  const int last = cells_along(pixels, scale) - 1;
  for (int i = 0; i < pixels; ++i) {
    // In halves of a pixel, from the first cell's centre.
    const int doubled = std::max(0, 2 * i + 1 - scale);
    const int index = std::min(doubled / (2 * scale), last);
    const float weight =
        index == last ? 0.0F : static_cast<float>(doubled - 2 * scale * index) / static_cast<float>(2 * scale);
    (*positions)[static_cast<std::size_t>(i)] = {index, weight};
  }
  return positions;
}

Result<GridMemory> GridMemory::create(const CoarseGrid& grid, const Image& photo, std::size_t values,
                                      std::size_t moments, const ThreadPool& pool, const char* what) {
  const auto width = static_cast<std::size_t>(grid.width);
  const auto workers = static_cast<std::size_t>(pool.size());
  GridMemory memory;
  memory.columns = width * moments;
  // One more cell, for the right neighbour of the last.
  memory.row = (width + 1) * values;
  const auto take = [](auto made, auto& to) -> Result<void> {
    if (!made) return std::unexpected(std::move(made.error()));
    to = std::move(*made);
    return {};
  };
  Result<void> done = take(AlignedBuffer<float>::create(grid.cells() * values, what), memory.cells);
  if (done) done = take(AlignedBuffer<float>::create(grid.cells() * values, what), memory.means);
  if (done) done = take(AlignedBuffer<double>::create(workers * memory.columns, what), memory.sums);
  if (done) done = take(AlignedBuffer<float>::create(workers * memory.row, what), memory.rows);
  if (done) done = take(cell_positions(photo.width, grid.scale), memory.across);
  if (done) done = take(cell_positions(photo.height, grid.scale), memory.down);
  if (!done) return std::unexpected(std::move(done.error()));
  return memory;
}

}  // namespace silhouette
