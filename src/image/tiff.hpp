#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace silhouette {

/// What libvips leaves out of a TIFF file's directory, and decides what the numbers in it mean (TIFF 6.0, sections 3,
/// 8, 18 and 21; DNG 1.4).
struct TiffDirectory {
  bool reduced = false;     ///< a smaller version of another picture in the file
  bool camera_raw = false;  ///< DNG, or a sensor's mosaic
  std::uint64_t photometric = 0;
  std::uint64_t compression = 1;
  std::uint64_t bits = 1;     ///< of the first sample
  std::uint64_t samples = 1;  ///< of a pixel
  std::vector<std::uint64_t>
      extra_samples;  ///< kinds of those beyond the colours; none may be given where there are some
  std::vector<std::uint64_t> subsampling;  ///< of chroma: across and down
};

inline constexpr std::uint64_t kTiffYcbcr = 6;
inline constexpr std::uint64_t kTiffAssociatedAlpha = 1;
inline constexpr std::uint64_t kTiffUnassociatedAlpha = 2;

/// The directories of the main chain, in order; as many as can be read, 64 at most. Classic and BigTIFF, both byte
/// orders.
std::vector<TiffDirectory> tiff_directories(std::span<const std::byte> bytes);

}  // namespace silhouette
