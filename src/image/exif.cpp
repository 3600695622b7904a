#include "image/exif.hpp"

#include <cstdint>
#include <cstring>

#include "image/file_numbers.hpp"

namespace silhouette {
namespace {

constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kShortType = 3;
constexpr std::uint64_t kEntrySize = 12;

}  // namespace

int exif_orientation(std::span<const std::byte> block) noexcept {
  constexpr char kMark[] = {'E', 'x', 'i', 'f', '\0', '\0'};
  if (block.size() >= sizeof kMark && std::memcmp(block.data(), kMark, sizeof kMark) == 0) {
    block = block.subspan(sizeof kMark);
  }
  if (block.size() < 8 || block[0] != block[1] || (block[0] != std::byte{'I'} && block[0] != std::byte{'M'})) return 1;
  const FileNumbers numbers(block, block[0] == std::byte{'M'});
  if (numbers.at(2, 2) != 42U) return 1;
  const std::uint64_t directory = numbers.at(4, 4).value_or(0);
  const std::uint64_t entries = numbers.at(directory, 2).value_or(0);
  for (std::uint64_t i = 0; i < entries; ++i) {
    const std::uint64_t entry = directory + 2 + i * kEntrySize;
    const auto tag = numbers.at(entry, 2);
    if (!tag) return 1;
    if (*tag != kOrientationTag || numbers.at(entry + 2, 2) != kShortType) continue;
    const auto value = numbers.at(entry + 8, 2).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace silhouette
