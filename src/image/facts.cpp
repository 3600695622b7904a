#include "image/facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "image/tiff.hpp"
#include "silhouette/image_source.hpp"

namespace silhouette {
namespace {

std::string format_list() {
  std::string list;
  const auto formats = readable_image_formats();
  for (std::size_t i = 0; i < formats.size(); ++i) {
    list += formats[i];
    if (i + 1 < formats.size()) list += i + 2 == formats.size() ? " or " : ", ";
  }
  return list;
}

}  // namespace

std::unexpected<Error> unsupported_image(std::string_view name, std::string_view what) {
  return fail(ErrorCode::kUnsupportedImage, fmt::format("'{}' is {}; give {}", name, what, format_list()));
}

Result<Facts> tiff_facts(std::span<const std::byte> bytes, std::string_view name) {
  const auto directories = tiff_directories(bytes);
  if (directories.empty()) return Facts();
  if (std::ranges::any_of(directories, &TiffDirectory::camera_raw)) {
    return unsupported_image(name, "a camera's raw photo, which must be developed first");
  }
  Facts facts;
  const auto whole = std::ranges::find(directories, false, &TiffDirectory::reduced);
  const auto& directory = whole == directories.end() ? directories.front() : *whole;
  facts.page = static_cast<int>(&directory - directories.data());
  constexpr std::uint64_t kDepths[] = {1, 2, 4, 8, 16, 32, 64};
  if (std::ranges::find(kDepths, directory.bits) == std::end(kDepths)) {
    return unsupported_image(name, fmt::format("a TIFF image of {} bits a sample; 8 and 16 are read", directory.bits));
  }
  constexpr std::uint64_t kOldJpeg = 6;
  constexpr std::uint64_t kJpeg = 7;
  if (directory.photometric == kTiffYcbcr && directory.compression != kOldJpeg && directory.compression != kJpeg) {
    const auto& s = directory.subsampling;
    // 2 × 2 is what a file without the tag means.
    if (s.size() < 2 || s[0] != 1 || s[1] != 1)
      return unsupported_image(name, "a TIFF image with subsampled YCbCr that isn't JPEG-compressed");
    facts.ycbcr = true;
  }
  constexpr std::uint64_t kRgb = 2;
  const std::uint64_t colours = directory.photometric == kRgb || directory.photometric == kTiffYcbcr ? 3
                                : directory.photometric <= 1                                         ? 1
                                                                                                     : 0;
  if (colours == 0 || directory.samples <= colours) return facts;
  const auto kind = directory.extra_samples.empty() ? 0 : directory.extra_samples[0];
  facts.premultiplied = kind == kTiffAssociatedAlpha;
  const bool alpha = kind == kTiffAssociatedAlpha || kind == kTiffUnassociatedAlpha;
  facts.bands = static_cast<int>(colours) + (alpha ? 1 : 0);
  return facts;
}

}  // namespace silhouette
