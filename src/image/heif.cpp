#include "image/heif.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

#include "image/file_numbers.hpp"

namespace silhouette {
namespace {

/// The content of the first box of a kind in a row of boxes.
std::optional<std::span<const std::byte>> find_box(std::span<const std::byte> boxes, std::string_view kind) {
  constexpr std::size_t kMostBoxes = 4096;
  const FileNumbers numbers(boxes, true);
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < kMostBoxes; ++i) {
    auto size = numbers.at(at, 4);
    if (!size || !in_range<std::uint64_t>(at, 8, boxes.size())) return std::nullopt;
    std::uint64_t head = 8;
    if (*size == 1) {
      size = numbers.at(at + 8, 8);
      head = 16;
    } else if (*size == 0) {
      size = boxes.size() - at;
    }
    if (!size || *size < head || !in_range<std::uint64_t>(at, *size, boxes.size())) return std::nullopt;
    const auto box = boxes.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(*size));
    if (std::string_view(reinterpret_cast<const char*>(box.data()) + 4, 4) == kind) {
      return box.subspan(static_cast<std::size_t>(head));
    }
    at += *size;
  }
  return std::nullopt;
}

}  // namespace

bool has_premultiplied_alpha(std::span<const std::byte> bytes) {
  // Both boxes have a version and flags before what is in them.
  constexpr std::size_t kVersion = 4;
  const auto meta = find_box(bytes, "meta");
  if (!meta || meta->size() < kVersion) return false;
  const auto references = find_box(meta->subspan(kVersion), "iref");
  return references && references->size() >= kVersion && find_box(references->subspan(kVersion), "prem").has_value();
}

}  // namespace silhouette
