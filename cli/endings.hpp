#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "format.hpp"

namespace silhouette::cli {

/// Endings of files that hold images of the formats that are read, in lower case.
inline constexpr std::array<std::string_view, 22> kImageEndings = {
    ".jpg",  ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp",  ".png", ".webp", ".gif",   ".tif",
    ".tiff", ".ppm",  ".pgm", ".pbm",  ".pnm", ".heic",  ".heif", ".hif", ".avif", ".avifs", ".jxl"};

inline bool has_image_ending(const std::filesystem::path& path) {
  return std::ranges::find(kImageEndings, lower(path.extension().string())) != kImageEndings.end();
}

}  // namespace silhouette::cli
