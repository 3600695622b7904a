#pragma once

#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"

namespace silhouette {

/// Largest image that is read or made, on both counts; checked before anything is allocated.
inline constexpr int kMaxImageSide = 65'500;
/// Where addresses have 32 bits, so many that no buffer of up to sixty bytes a pixel is too large to be counted.
inline constexpr std::int64_t kMaxImagePixels = sizeof(std::size_t) > 4 ? 150'000'000 : 64'000'000;

/// Upright 8-bit sRGB pixels, interleaved, rows from the top without gaps. Move-only.
struct Image {
  int width = 0;
  int height = 0;
  int channels = 3;  ///< 1 grey, 3 RGB, 4 RGBA (alpha not premultiplied)
  AlignedBuffer<std::uint8_t> pixels;

  [[nodiscard]] std::size_t stride() const noexcept {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
  [[nodiscard]] std::uint8_t* row(int y) noexcept { return pixels.data() + static_cast<std::size_t>(y) * stride(); }
  [[nodiscard]] const std::uint8_t* row(int y) const noexcept {
    return pixels.data() + static_cast<std::size_t>(y) * stride();
  }

  /// Uninitialised pixels. kInvalidArgument for sizes below 1, kLimitExceeded above the limits.
  [[nodiscard]] static Result<Image> create(int width, int height, int channels);
};

}  // namespace silhouette
