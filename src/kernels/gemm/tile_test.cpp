#include <fmt/format.h>

#include "kernels/test_kernels.hpp"

namespace silhouette::kernels::test {
namespace {

enum class Rows { kPacked, kStrided, kGeneral };

/// One tile, its operands somewhere in larger arrays.
void test_tile(const Kernels& kernels, Picker& picker, Rows kind, std::size_t rows, std::size_t blocks) {
  const std::size_t block = kernels.block;
  const std::size_t columns = blocks * block;
  Tile tile;
  tile.part_count = picker.pick<std::size_t>(1, 3);
  // Few, or more than what a tile treats as few.
  tile.chunks = picker.coin() ? picker.pick<std::size_t>(1, 3) : picker.pick<std::size_t>(8, 10);
  const std::size_t length = kind == Rows::kGeneral ? picker.pick<std::size_t>(1, block + 3) : block;
  tile.chunk_length = kind == Rows::kGeneral ? length : 0;
  if (kind != Rows::kGeneral && picker.coin()) tile.last_length = picker.pick<std::size_t>(1, block - 1);
  const std::size_t row_stride = kind == Rows::kPacked ? block : length + picker.pick<std::size_t>(0, 5);
  const std::size_t chunk_stride = rows * row_stride + picker.pick<std::size_t>(0, 3) * block;
  const std::size_t panel = tile.chunks * length * columns;
  Floats a(tile.part_count * tile.chunks * chunk_stride, picker.random());
  Floats b(tile.part_count * panel, picker.random());
  // Both in another order than their parts.
  std::vector<DepthPart> parts;
  for (std::size_t i = tile.part_count; i-- > 0;) {
    parts.push_back({.a = static_cast<std::ptrdiff_t>(i * tile.chunks * chunk_stride),
                     .b = static_cast<std::ptrdiff_t>((tile.part_count - 1 - i) * panel)});
  }
  tile.parts = parts.data();
  tile.a = a.data();
  tile.row_stride = static_cast<std::ptrdiff_t>(row_stride);
  tile.chunk_stride = static_cast<std::ptrdiff_t>(chunk_stride);
  tile.b = b.data();

  const std::size_t c_row = (1 + picker.pick<std::size_t>(0, 1)) * block;
  const std::size_t c_block = rows * c_row + block;
  const std::size_t size = blocks * c_block;
  Floats c(size);
  Floats earlier(size, picker.random());
  Floats bias(columns, picker.random());
  const std::size_t addend_row = picker.coin() ? 0 : block;
  const std::size_t addend_block = (addend_row == 0 ? 1 : rows) * block;
  Floats addend(blocks * addend_block, picker.random());
  tile.c_row_stride = static_cast<std::ptrdiff_t>(c_row);
  tile.c_block_stride = static_cast<std::ptrdiff_t>(c_block);
  tile.addend_row_stride = static_cast<std::ptrdiff_t>(addend_row);
  tile.addend_block_stride = static_cast<std::ptrdiff_t>(addend_block);
  if (picker.coin()) tile.bias = bias.data();
  if (picker.coin()) tile.addend = addend.data();
  const bool in_place = picker.coin();
  if (in_place) c = earlier;
  tile.c = c.data();
  if (in_place || picker.coin()) tile.earlier = in_place ? c.data() : earlier.data();
  if (picker.coin()) {
    tile.next = b.data();
    tile.next_cache_lines = picker.pick<std::size_t>(0, 2);
  }
  tile.finish = picker.pick(0, 3) != 0;
  tile.epilogue = picker.epilogue();
  const Floats before = c;
  const auto number = static_cast<std::size_t>(kind);
  const TileKernel kernel = (number == 0   ? kernels.packed
                             : number == 1 ? kernels.strided
                                           : kernels.general)[blocks - 1][rows - 1];
  kernel(tile);

  SCOPED_TRACE(fmt::format("{} rows, {} blocks, {} parts of {} chunks of {} (last {}), bias {}, earlier {}, addend {}",
                           rows, blocks, tile.part_count, tile.chunks, length, tile.last_length, tile.bias != nullptr,
                           tile.earlier != nullptr, tile.addend != nullptr));
  std::size_t written = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      Sum sum;
      if (tile.bias != nullptr) sum.add(bias[column]);
      for (const DepthPart& part : parts) {
        for (std::size_t chunk = 0; chunk < tile.chunks; ++chunk) {
          const bool is_last = chunk + 1 == tile.chunks && tile.last_length != 0;
          for (std::size_t k = 0; k < (is_last ? tile.last_length : length); ++k) {
            sum.add(a[static_cast<std::size_t>(part.a) + row * row_stride + chunk * chunk_stride + k],
                    b[static_cast<std::size_t>(part.b) + (chunk * length + k) * columns + column]);
          }
        }
      }
      const std::size_t at = row * c_row + column / block * c_block + column % block;
      if (tile.earlier != nullptr) sum.add(earlier[at]);
      if (tile.addend != nullptr) sum.add(addend[row * addend_row + column / block * addend_block + column % block]);
      const Expected expected = tile.finish ? finished(sum.expected(), tile.epilogue) : sum.expected();
      ASSERT_TRUE(near(c[at], expected)) << "row " << row << ", column " << column;
      c[at] = before[at];
      ++written;
    }
  }
  ASSERT_EQ(written, rows * columns);
  for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(c[i], before[i]) << "something beside the tile was written";
}

void test_tiles(const Kernels& kernels, Picker& picker, Rows kind) {
  for (const std::size_t blocks : {1U, 2U}) {
    for (std::size_t rows = 1; rows <= kernels.tile_rows[blocks - 1]; ++rows) {
      for (int i = 0; i < 40 && !::testing::Test::HasFatalFailure(); ++i)
        test_tile(kernels, picker, kind, rows, blocks);
    }
  }
}

}  // namespace

void test_packed(const Kernels& kernels, Picker& picker) {
  test_tiles(kernels, picker, Rows::kPacked);
}
void test_strided(const Kernels& kernels, Picker& picker) {
  test_tiles(kernels, picker, Rows::kStrided);
}
void test_general(const Kernels& kernels, Picker& picker) {
  test_tiles(kernels, picker, Rows::kGeneral);
}

}  // namespace silhouette::kernels::test
