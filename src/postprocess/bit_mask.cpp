#include "postprocess/bit_mask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>

#include "base/image.hpp"

namespace silhouette {
namespace {

constexpr std::size_t kWordBits = 64;

// Bytes are moved in and out of words by memcpy.
static_assert(std::endian::native == std::endian::little);

/// 64 bytes of 0 or 1 → 64 bits. Eight at a time: the product has byte i's bit at 56 + i and carries nothing into it.
std::uint64_t gather(const std::array<std::uint8_t, kWordBits>& bytes) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, bytes.data() + 8 * i, sizeof eight);
    word |= (eight * 0x0102040810204080ULL >> 56) << (8 * i);
  }
  return word;
}

/// 8 bits → 8 bytes of 0 or 1.
std::uint64_t spread(std::uint64_t eight) noexcept {
  const std::uint64_t apart = eight * 0x0101010101010101ULL & 0x8040201008040201ULL;
  return (apart + 0x7F7F7F7F7F7F7F7FULL) >> 7 & 0x0101010101010101ULL;
}

/// The inner loop has a fixed length and no branch, so that it becomes SIMD compares.
template <typename T, typename Test>
void pack_row(const T* values, std::size_t width, Test test, std::uint64_t* words) noexcept {
  std::array<std::uint8_t, kWordBits> hits;
  for (; width >= kWordBits; width -= kWordBits, values += kWordBits) {
    for (std::size_t i = 0; i < kWordBits; ++i) hits[i] = test(values[i]) ? 1 : 0;
    *words++ = gather(hits);
  }
  hits.fill(0);
  for (std::size_t i = 0; i < width; ++i) hits[i] = test(values[i]) ? 1 : 0;
  *words = gather(hits);
}

template <typename T, typename Test>
Result<BitMask> pack(std::span<const T> values, int width, int height, Test test) {
  auto mask = BitMask::create(width, height);
  if (!mask) return mask;
  const auto columns = static_cast<std::size_t>(width);
  if (values.size() != columns * static_cast<std::size_t>(height)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a mask of {} × {} has {} values, not {}; give one for each pixel", width, height,
                            columns * static_cast<std::size_t>(height), values.size()));
  }
  for (int y = 0; y < height; ++y) {
    pack_row(values.data() + static_cast<std::size_t>(y) * columns, columns, test, mask->row(y));
  }
  return mask;
}

/// Transposes 64 × 64 bits in place: halves are swapped across the diagonal, then halves of those (Warren: "Hacker's
/// Delight", 2nd ed., section 7-3).
void transpose_block(std::array<std::uint64_t, kWordBits>& block) noexcept {
  std::uint64_t low = 0x00000000FFFFFFFFULL;
  for (std::size_t half = kWordBits / 2; half != 0; half /= 2, low ^= low << half) {
    for (std::size_t i = 0; i < kWordBits; i = ((i | half) + 1) & ~half) {
      const std::uint64_t swapped = (block[i] >> half ^ block[i | half]) & low;
      block[i] ^= swapped << half;
      block[i | half] ^= swapped;
    }
  }
}

}  // namespace

Result<void> check_mask_size(int width, int height) {
  const auto size = [&] { return fmt::format("a mask of {} × {} pixels", width, height); };
  if (width < 1 || height < 1) {
    return fail(ErrorCode::kInvalidArgument, size() + " can't be; both sides are at least 1");
  }
  if (width > kMaxImageSide || height > kMaxImageSide || std::int64_t{width} * height > kMaxImagePixels) {
    return fail(ErrorCode::kLimitExceeded,
                size() + fmt::format(" is above the limit of {} a side and {} pixels; use a smaller one", kMaxImageSide,
                                     kMaxImagePixels));
  }
  return {};
}

Result<BitMask> BitMask::create(int width, int height) {
  if (auto checked = check_mask_size(width, height); !checked) return std::unexpected(std::move(checked.error()));
  BitMask mask{width, height, {}};
  auto bits = AlignedBuffer<std::uint64_t>::create(mask.words() * static_cast<std::size_t>(height), "a mask's bits");
  if (!bits) return std::unexpected(std::move(bits.error()));
  std::ranges::fill(bits->span(), std::uint64_t{0});
  mask.bits = std::move(*bits);
  return mask;
}

Result<BitMask> select_class(std::span<const std::int32_t> classes, int width, int height, std::int32_t value) {
  return pack(classes, width, height, [value](std::int32_t c) { return c == value; });
}

Result<BitMask> select_set(std::span<const std::uint8_t> mask, int width, int height) {
  return pack(mask, width, height, [](std::uint8_t set) { return set != 0; });
}

Result<BitMask> transpose(const BitMask& mask) {
  auto result = BitMask::create(mask.height, mask.width);
  if (!result) return result;
  std::array<std::uint64_t, kWordBits> block;
  for (int top = 0; top < mask.height; top += static_cast<int>(kWordBits)) {
    const auto rows = std::min(kWordBits, static_cast<std::size_t>(mask.height - top));
    for (int left = 0; left < mask.width; left += static_cast<int>(kWordBits)) {
      const auto columns = std::min(kWordBits, static_cast<std::size_t>(mask.width - left));
      block.fill(0);
      for (std::size_t i = 0; i < rows; ++i) block[i] = mask.row(top + static_cast<int>(i))[left / 64];
      transpose_block(block);
      for (std::size_t i = 0; i < columns; ++i) result->row(left + static_cast<int>(i))[top / 64] = block[i];
    }
  }
  return result;
}

void expand_bits(const BitMask& mask, std::span<std::uint8_t> values) noexcept {
  const auto width = static_cast<std::size_t>(mask.width);
  for (int y = 0; y < mask.height; ++y) {
    const std::uint64_t* const bits = mask.row(y);
    std::uint8_t* const row = values.data() + static_cast<std::size_t>(y) * width;
    for (std::size_t x = 0; x < width; x += 8) {
      const std::uint64_t eight = spread(bits[x / kWordBits] >> (x % kWordBits) & 0xFFU);
      std::memcpy(row + x, &eight, std::min<std::size_t>(sizeof eight, width - x));
    }
  }
}

}  // namespace silhouette
