#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace silhouette {

/// Order and number of the 8-bit samples of one pixel.
enum class PixelFormat : std::uint8_t { kGray = 1, kRgb = 3, kRgba = 4 };

/// Uncompressed 8-bit sRGB pixels owned by the caller; they must stay valid until the call that reads them returns.
struct PixelView {
  std::span<const std::byte> bytes;
  int width = 0;   ///< pixels, ≥ 1
  int height = 0;  ///< pixels, ≥ 1
  PixelFormat format = PixelFormat::kRgb;
  std::size_t stride = 0;  ///< bytes from row to row; 0 = width × samples
};

}  // namespace silhouette
