// Included by the file of each instruction set.
#pragma once

#include "kernels/epilogue.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

enum class Rows : std::uint8_t {
  kPacked,   ///< row_stride is the block
  kStrided,  ///< any row_stride
  kGeneral,  ///< any row_stride and chunk_length
};

inline constexpr std::size_t kFewChunks = 8;

/// `kRows` × `kBlocks` blocks of results in registers over the whole depth, of a panel of `columns`, from its block
/// `first` on: of each step, one vector of B for each column vector, then one broadcast value of A for each row.
template <std::size_t kRows, std::size_t kBlocks, Rows kKind>
[[gnu::always_inline]] inline void tile_blocks(const Tile& t, std::size_t columns, std::size_t first) {
  constexpr std::size_t kVecs = kBlocks * kBlockVecs;
  Vec acc[kRows][kVecs];
#pragma GCC unroll 16
  for (std::size_t v = 0; v < kVecs; ++v) {
    const Vec start = t.bias != nullptr ? load(t.bias + first * kBlock + v * kLanes) : Vec{};
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) acc[r][v] = start;
  }
  const std::ptrdiff_t to_block = static_cast<std::ptrdiff_t>(first) * t.c_block_stride;
  float* const c = t.c + to_block;
  const float* const earlier = t.earlier == nullptr ? nullptr : t.earlier + to_block;
  const float* const addend =
      t.addend == nullptr ? nullptr : t.addend + static_cast<std::ptrdiff_t>(first) * t.addend_block_stride;
  const std::ptrdiff_t row_stride = kKind == Rows::kPacked ? static_cast<std::ptrdiff_t>(kBlock) : t.row_stride;
  const std::ptrdiff_t chunk_stride = t.chunk_stride;
  const std::size_t length = kKind == Rows::kGeneral ? t.chunk_length : kBlock;
  const std::ptrdiff_t to_next_tile = t.chunks > kFewChunks ? 0
                                                            : static_cast<std::ptrdiff_t>(t.chunks) * chunk_stride -
                                                                  static_cast<std::ptrdiff_t>(kRows) * row_stride;
  const bool is_cut_short = kKind != Rows::kGeneral && t.last_length != 0;
  const std::size_t whole_chunks = t.chunks - (is_cut_short ? 1 : 0);
  const float* next = t.next;
  const std::size_t next_cache_lines = kHasPrefetch ? t.next_cache_lines : 0;
  // An image's values have left the caches since they were made.
  if (kHasPrefetch && earlier != nullptr) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (std::size_t b = 0; b < kBlocks; ++b) {
        prefetch(earlier + static_cast<std::ptrdiff_t>(r) * t.c_row_stride +
                 static_cast<std::ptrdiff_t>(b) * t.c_block_stride);
      }
    }
  }
  for (const DepthPart *part = t.parts, *const end = part + t.part_count; part != end; ++part) {
    const float* a = t.a + part->a;
    const float* b = t.b + part->b + first * kBlock;
    const auto step = [&] [[gnu::always_inline]] (const float* rows, const float* panel, std::size_t k) {
      Vec column[kVecs];
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVecs; ++v) column[v] = load(panel + k * columns + v * kLanes);
#pragma GCC unroll 16
      for (std::size_t r = 0; r < kRows; ++r) {
        const Vec value = splat(rows[static_cast<std::ptrdiff_t>(r) * row_stride + static_cast<std::ptrdiff_t>(k)]);
#pragma GCC unroll 16
        for (std::size_t v = 0; v < kVecs; ++v) acc[r][v] = from_here(multiply_add(value, column[v], acc[r][v]));
      }
    };
    for (std::size_t chunk = whole_chunks; chunk != 0; --chunk) {
      for (std::size_t i = 0; i < next_cache_lines; ++i) {
        prefetch_later(next);
        next += kCacheLineFloats;
      }
      // The next chunks of A are far away: no hardware prefetcher follows. The last of few chunks fetch the
      // next tile's first; of many it was slower.
      const float* const ahead = a + 2 * chunk_stride - (chunk <= 2 ? to_next_tile : 0);
      if constexpr (kKind == Rows::kPacked) {
#pragma GCC unroll 16
        for (std::size_t i = 0; i < kRows * kBlock; i += 16) prefetch(ahead + i);
      } else if constexpr (kKind == Rows::kStrided) {
#pragma GCC unroll 16
        for (std::size_t r = 0; r < kRows; ++r) prefetch(ahead + static_cast<std::ptrdiff_t>(r) * row_stride);
      }
      if constexpr (kStepByStep) {
        const float* a_k = a;
#pragma GCC unroll 1
        for (std::size_t k = length; k != 0; --k) {
          step(a_k, b, 0);
          a_k = from_here(a_k + 1);
          b = from_here(b + columns);
        }
      } else {
#pragma GCC unroll 3
        for (std::size_t k = 0; k < (kKind == Rows::kGeneral ? length : kBlock); ++k) step(a, b, k);
        b += length * columns;
      }
      a = from_here(a + chunk_stride);
    }
    if (is_cut_short) {
      for (std::size_t k = 0; k < t.last_length; ++k) step(a, b, k);
    }
  }

  // Inline always: one call that takes a sum's address would keep all sums in memory, in the loop above too.
  const auto each = [&] [[gnu::always_inline]] (auto&& body) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVecs; ++v) {
        body(acc[r][v], static_cast<std::ptrdiff_t>(r), static_cast<std::ptrdiff_t>(v / kBlockVecs),
             v % kBlockVecs * kLanes);
      }
    }
  };
  if (earlier != nullptr) {
    each([&](Vec& value, std::ptrdiff_t row, std::ptrdiff_t block, std::size_t lane) {
      value += load(earlier + row * t.c_row_stride + block * t.c_block_stride + lane);
    });
  }
  if (addend != nullptr) {
    each([&](Vec& value, std::ptrdiff_t row, std::ptrdiff_t block, std::size_t lane) {
      value += load(addend + row * t.addend_row_stride + block * t.addend_block_stride + lane);
    });
  }
  const Finisher finisher(t.epilogue);
  if (t.finish && finisher.function == Function::kNone) {
    each([&](Vec& value, std::ptrdiff_t, std::ptrdiff_t, std::size_t) { value = finisher.clamp(value); });
  }
  each([&](Vec& value, std::ptrdiff_t row, std::ptrdiff_t block, std::size_t lane) {
    store(c + row * t.c_row_stride + block * t.c_block_stride + lane, value);
  });
  if (!t.finish || finisher.function == Function::kNone) return;
  if constexpr (kStepByStep) {
    for (std::size_t b = 0; b < kBlocks; ++b) {
      finish_stored(t.epilogue, c + static_cast<std::ptrdiff_t>(b) * t.c_block_stride, kRows, t.c_row_stride);
    }
  } else {
    // A loop, so that what a function needs is in the program once; over what was stored, because a sum chosen by a
    // variable index lives in memory.
    for (std::size_t r = 0; r < kRows; ++r) {
      float* const row = c + static_cast<std::ptrdiff_t>(r) * t.c_row_stride;
      for (std::size_t v = 0; v < kVecs; ++v) {
        float* const place =
            row + static_cast<std::ptrdiff_t>(v / kBlockVecs) * t.c_block_stride + v % kBlockVecs * kLanes;
        store(place, finisher(load(place)));
      }
    }
  }
}

/// A tile of a panel of `blocks`, one block after the other.
template <std::size_t kRows, Rows kKind>
[[gnu::noinline]] void tile_by_blocks(const Tile& t, std::size_t blocks) {
#pragma GCC unroll 1
  for (std::size_t block = 0; block < blocks; ++block) tile_blocks<kRows, 1, kKind>(t, blocks * kBlock, block);
}

template <std::size_t kRows, std::size_t kBlocks, Rows kKind>
[[gnu::noinline]] void tile(const Tile& t) {
  // Of one or two rows one block gives too few sums that don't wait for each other.
  if constexpr (kStepByStep && kRows > 2) {
    tile_by_blocks<kRows, kKind>(t, kBlocks);
  } else {
    tile_blocks<kRows, kBlocks, kKind>(t, kBlocks * kBlock, 0);
  }
}

template <std::size_t kRows, std::size_t kBlocks>
constexpr void fill_tiles(Kernels& kernels) noexcept {
  if constexpr (kRows > 0) {
    kernels.packed[kBlocks - 1][kRows - 1] = tile<kRows, kBlocks, Rows::kPacked>;
    kernels.strided[kBlocks - 1][kRows - 1] = tile<kRows, kBlocks, Rows::kStrided>;
    kernels.general[kBlocks - 1][kRows - 1] = tile<kRows, kBlocks, Rows::kGeneral>;
    fill_tiles<kRows - 1, kBlocks>(kernels);
  }
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
