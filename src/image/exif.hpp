#pragma once

#include <cstddef>
#include <span>

namespace silhouette {

/// The orientation, 1…8, in the first directory of an EXIF block, with or without the "Exif" mark before it; 1 if there
/// is none or the block is broken. (TIFF 6.0; CIPA DC-008 §4.6.4.)
int exif_orientation(std::span<const std::byte> block) noexcept;

}  // namespace silhouette
