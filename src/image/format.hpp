#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace silhouette {

/// An image format that is read, and how.
struct ImageFormat {
  std::string_view name;     ///< as people call it
  const char* loader;        ///< nickname of the libvips operation that reads it from a VipsSource
  const char* loader_class;  ///< the class above it, which the allow-list names
  const char* module;        ///< file name of the libvips plug-in that has the loader; nullptr where it is built in
  std::string_view keyword;  ///< in the domain of the loader's messages
  bool upright;              ///< the loader has applied the orientation already
};

/// What the first bytes say: a format that is read, one that is known and isn't, or neither.
struct SniffedFormat {
  const ImageFormat* readable = nullptr;
  std::string_view unreadable = {};  ///< "a PDF document"; empty if unknown. Valid forever.
};

/// All that are read, in the order in which messages name them.
std::span<const ImageFormat> image_formats() noexcept;

/// Looks at magic numbers, never at names; text is told from binary data.
SniffedFormat sniff_format(std::span<const std::byte> bytes) noexcept;

}  // namespace silhouette
