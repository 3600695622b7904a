#pragma once

#include <cstddef>
#include <cstdint>

#include "base/image.hpp"
#include "silhouette/pixels.hpp"

namespace silhouette {

/// The caller's pixels → RGB, alpha flattened on white. kInvalidArgument if the sizes and the number of bytes don't fit
/// together, kLimitExceeded.
Result<Image> image_from_pixels(const PixelView& pixels);

/// Puts rows of decoded pixels in their place in an upright RGB image: grey repeated, alpha flattened on white, turned
/// as the EXIF orientation says. Rows may come in any order and in blocks of any height; none is kept.
class PixelPlacer {
 public:
  /// `width` × `height` as stored, before it is turned. `channels`: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
  /// `orientation` 1…8 (TIFF 6.0, tag 274); other values count as 1. kLimitExceeded.
  static Result<PixelPlacer> create(int width, int height, int channels, int orientation);

  /// Stored rows [y, y + count), `stride` bytes from one to the next.
  void place(const std::uint8_t* rows, std::size_t stride, int y, int count);

  /// The image, when all rows are there.
  Image take() && { return std::move(image_); }

 private:
  int width_ = 0;
  int channels_ = 3;
  std::ptrdiff_t origin_ = 0;  ///< where the first stored pixel goes, and how far it is from there …
  std::ptrdiff_t across_ = 0;  ///< … to the next one of the row
  std::ptrdiff_t down_ = 0;    ///< … to the one below
  AlignedBuffer<std::uint8_t> converted_;
  Image image_;
};

}  // namespace silhouette
