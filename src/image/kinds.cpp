#include "image/kinds.hpp"

#include <algorithm>
#include <cstdint>

namespace silhouette {
namespace {

std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t i) {
  return i < bytes.size() ? std::to_integer<std::uint8_t>(bytes[i]) : 0;
}

}  // namespace

std::string_view unreadable_jpeg_kind(std::span<const std::byte> bytes) noexcept {
  // Segments of a marker, a length and so many bytes, up to the frame's header (ITU-T T.81, B.1.1 and B.2.2).
  std::size_t at = 2;
  while (at + 4 < bytes.size() && byte_at(bytes, at) == 0xFF) {
    const std::uint8_t marker = byte_at(bytes, at + 1);
    if (marker == 0xFF) {
      ++at;
      continue;
    }
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) {
      if (marker == 0xC3 || marker == 0xC7 || marker == 0xCB || marker == 0xCF) return "a lossless JPEG image";
      if (marker == 0xC5 || marker == 0xC6 || marker == 0xCD || marker == 0xCE) return "a hierarchical JPEG image";
      if (byte_at(bytes, at + 4) == 12) return "a JPEG image of 12 bits a sample";
      return {};
    }
    if (marker == 0xDA || marker == 0xD9) return {};
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
      at += 2;
      continue;
    }
    at += 2 + (std::size_t{byte_at(bytes, at + 2)} << 8 | byte_at(bytes, at + 3));
  }
  return {};
}

std::string_view unreadable_png_kind(std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t kFirstChunkType = 12;
  constexpr std::string_view kApple = "CgBI";
  if (bytes.size() < kFirstChunkType + kApple.size()) return {};
  const std::string_view type(reinterpret_cast<const char*>(bytes.data()) + kFirstChunkType, kApple.size());
  return type == kApple ? "a PNG image that Xcode has changed for Apple's devices" : "";
}

bool has_jpeg_end(std::span<const std::byte> bytes) noexcept {
  std::size_t end = bytes.size();
  while (end > 0 && bytes[end - 1] == std::byte{0}) --end;
  return end >= 2 && byte_at(bytes, end - 2) == 0xFF && byte_at(bytes, end - 1) == 0xD9;
}

}  // namespace silhouette
