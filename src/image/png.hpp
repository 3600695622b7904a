#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/image.hpp"

namespace silhouette {

using Rgb = std::array<std::uint8_t, 3>;

/// Grey, RGB or RGBA as an 8-bit PNG. kLimitExceeded when memory ends, kInternal.
Result<std::vector<std::byte>> encode_png(const Image& image);

/// A one-channel image of palette indices as an 8-bit palette PNG: index i is shown as `palette[i]` (1…256 entries) and
/// kept as it is in the file. kInvalidArgument for an index without an entry.
Result<std::vector<std::byte>> encode_palette_png(const Image& indices, std::span<const Rgb> palette);

}  // namespace silhouette
