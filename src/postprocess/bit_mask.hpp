#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/aligned_buffer.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// A binary mask with one bit a pixel. Pixel x of a row is bit x % 64 of the row's word x / 64; all bits from `width`
/// on are 0, of which every row has at least one.
struct BitMask {
  int width = 0;
  int height = 0;
  AlignedBuffer<std::uint64_t> bits;

  [[nodiscard]] std::size_t words() const noexcept { return static_cast<std::size_t>(width) / 64 + 1; }
  [[nodiscard]] std::uint64_t* row(int y) noexcept { return bits.data() + static_cast<std::size_t>(y) * words(); }
  [[nodiscard]] const std::uint64_t* row(int y) const noexcept {
    return bits.data() + static_cast<std::size_t>(y) * words();
  }

  /// All bits 0. kInvalidArgument for sizes below 1, kLimitExceeded above those of an image.
  [[nodiscard]] static Result<BitMask> create(int width, int height);
};

/// Checks a mask's size as `BitMask::create` does.
Result<void> check_mask_size(int width, int height);

/// The pixels of a row-major class map that are `value`; of a row-major mask that aren't 0. kInvalidArgument if there
/// aren't width × height values, otherwise as `create`.
Result<BitMask> select_class(std::span<const std::int32_t> classes, int width, int height, std::int32_t value);
Result<BitMask> select_set(std::span<const std::uint8_t> mask, int width, int height);

/// Rows become columns.
Result<BitMask> transpose(const BitMask& mask);

/// Bits → values 0 and 1; `values` has width × height.
void expand_bits(const BitMask& mask, std::span<std::uint8_t> values) noexcept;

}  // namespace silhouette
