#pragma once

#include <cstddef>
#include <span>
#include <stop_token>
#include <string_view>

#include "base/image.hpp"

namespace silhouette {

/// Encoded bytes (JPEG, PNG, WebP, GIF, TIFF, PPM, HEIF/AVIF, JPEG XL) → upright 8-bit sRGB with 3 channels: EXIF
/// orientation applied, ICC profile, CMYK and YCbCr converted, 16 bits scaled to 8, grey repeated, alpha flattened on
/// white, bands that are neither colour nor alpha left out, first frame or first page that is no thumbnail. `name`
/// stands for the input in messages. kInvalidImage (broken, truncated, empty), kUnsupportedImage (a format, or a kind
/// of one, that isn't read), kLimitExceeded (size, checked on the header before pixels are read; memory; threads that a
/// decoder needs and the system refuses), kCancelled (`stop` is looked at between bands of rows). Thread-safe. In a
/// process made by fork() it does all on the calling thread, and refuses what can't be done so (WebP, HEIF/AVIF,
/// JPEG XL), and everything if another thread was reading an image then.
Result<Image> decode_image(std::span<const std::byte> bytes, std::string_view name, const std::stop_token& stop = {});

}  // namespace silhouette
