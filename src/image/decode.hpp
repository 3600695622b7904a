#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/image.hpp"
#include "silhouette/image_source.hpp"

namespace silhouette {

/// Encoded bytes (JPEG, PNG, WebP, GIF, TIFF, PPM, HEIF/AVIF, JPEG XL) → upright 8-bit sRGB with 3 channels: EXIF
/// orientation applied, ICC profile and CMYK converted, 16 bits scaled to 8, grey repeated, alpha flattened on white,
/// first frame. `name` stands for the input in messages. kInvalidImage (broken, truncated, empty), kUnsupportedImage (a
/// format that isn't read), kLimitExceeded (checked on the header, before pixels are read). Thread-safe.
///
/// The first call starts libvips and settles for the whole process: no operation cache, no loaders but the ones for
/// these formats, silent warnings. Broken JPEG XL and AVIF files can make libjxl 0.7 and dav1d print to standard error,
/// which libvips has no means against.
Result<Image> decode_image(std::span<const std::byte> bytes, std::string_view name);

/// The caller's pixels → the same. kInvalidArgument if the sizes and the number of bytes don't fit together,
/// kLimitExceeded.
Result<Image> image_from_pixels(const PixelView& pixels);

}  // namespace silhouette
