#pragma once

#include <cstddef>
#include <span>

namespace silhouette {

/// Whether a HEIF or AVIF file's colours have been multiplied with its alpha: a reference of type "prem" (ISO/IEC
/// 23008-12, 6.10.1), which the decoder keeps to itself.
bool has_premultiplied_alpha(std::span<const std::byte> bytes);

}  // namespace silhouette
