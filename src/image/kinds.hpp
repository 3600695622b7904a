#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace silhouette {

/// What kind of a JPEG or PNG image this is that nobody reads here: "a JPEG image of 12 bits a sample"; empty for
/// others. Such files are sound: another copy wouldn't help.
std::string_view unreadable_jpeg_kind(std::span<const std::byte> bytes) noexcept;
std::string_view unreadable_png_kind(std::span<const std::byte> bytes) noexcept;

/// Whether a JPEG file ends with its end marker, but for zeros that some writers pad files with.
bool has_jpeg_end(std::span<const std::byte> bytes) noexcept;

}  // namespace silhouette
