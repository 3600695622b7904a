#include "image/exif.hpp"

#include <cstdint>
#include <cstring>
#include <optional>

#include "base/checked.hpp"

namespace silhouette {
namespace {

constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kShortType = 3;
constexpr std::size_t kEntrySize = 12;

class TiffReader {
 public:
  TiffReader(std::span<const std::byte> bytes, bool little_endian) : bytes_(bytes), little_endian_(little_endian) {}

  [[nodiscard]] std::optional<std::uint32_t> number(std::size_t at, std::size_t size) const {
    if (!in_range(at, size, bytes_.size())) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[at + (little_endian_ ? size - 1 - i : i)]);
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool little_endian_;
};

}  // namespace

int exif_orientation(std::span<const std::byte> block) noexcept {
  constexpr char kMark[] = {'E', 'x', 'i', 'f', '\0', '\0'};
  if (block.size() >= sizeof kMark && std::memcmp(block.data(), kMark, sizeof kMark) == 0) {
    block = block.subspan(sizeof kMark);
  }
  if (block.size() < 8 || block[0] != block[1] || (block[0] != std::byte{'I'} && block[0] != std::byte{'M'})) return 1;
  const TiffReader reader(block, block[0] == std::byte{'I'});
  if (reader.number(2, 2) != 42U) return 1;
  const std::size_t directory = reader.number(4, 4).value_or(0);
  const std::size_t entries = reader.number(directory, 2).value_or(0);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntrySize;
    const auto tag = reader.number(entry, 2);
    if (!tag) return 1;
    if (*tag != kOrientationTag || reader.number(entry + 2, 2) != kShortType) continue;
    const auto value = reader.number(entry + 8, 2).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace silhouette
