#include "image/tiff.hpp"

#include <algorithm>
#include <set>

#include "image/file_numbers.hpp"

namespace silhouette {
namespace {

constexpr std::size_t kMostDirectories = 64;
constexpr std::uint64_t kMostEntries = 4096;
constexpr std::uint64_t kMostValues = 16;

enum Tag : std::uint64_t {
  kNewSubfileType = 254,
  kSubfileType = 255,
  kBitsPerSample = 258,
  kCompression = 259,
  kPhotometric = 262,
  kSamplesPerPixel = 277,
  kExtraSamples = 338,
  kYcbcrSubsampling = 530,
  kDngVersion = 50706,
};
constexpr std::uint64_t kColourFilterArray = 32803;
constexpr std::uint64_t kLinearRaw = 34892;

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, bool big_endian, bool big_tiff)
      : numbers_(bytes, big_endian), offset_size_(big_tiff ? 8 : 4) {}

  std::vector<TiffDirectory> read() const {
    std::vector<TiffDirectory> directories;
    std::set<std::uint64_t> seen;
    auto offset = numbers_.at(offset_size_ == 8 ? 8 : 4, offset_size_);
    while (offset && *offset != 0 && directories.size() < kMostDirectories && seen.insert(*offset).second) {
      const std::size_t count_size = offset_size_ == 8 ? 8 : 2;
      const auto entries = numbers_.at(*offset, count_size);
      if (!entries || *entries > kMostEntries) break;
      const std::uint64_t start = *offset + count_size;
      TiffDirectory& directory = directories.emplace_back();
      for (std::uint64_t i = 0; i < *entries; ++i) read_entry(start + i * entry_size(), directory);
      offset = numbers_.at(start + *entries * entry_size(), offset_size_);
    }
    return directories;
  }

 private:
  [[nodiscard]] std::uint64_t entry_size() const { return 4 + 2 * offset_size_; }

  /// The numbers of an entry, if they are whole; those of its last `offset_size_` bytes or of the place that these
  /// name.
  [[nodiscard]] std::vector<std::uint64_t> values(std::uint64_t entry) const {
    const auto type = numbers_.at(entry + 2, 2);
    const auto count = numbers_.at(entry + 4, offset_size_);
    if (!type || !count) return {};
    std::size_t size = 0;
    switch (*type) {
      case 1:
      case 7: size = 1; break;
      case 3: size = 2; break;
      case 4: size = 4; break;
      case 16: size = 8; break;
      default: return {};
    }
    const std::uint64_t number = std::min(*count, kMostValues);
    std::optional<std::uint64_t> at = entry + 4 + offset_size_;
    if (*count > offset_size_ / size) at = numbers_.at(*at, offset_size_);
    std::vector<std::uint64_t> result;
    for (std::uint64_t i = 0; at && i < number; ++i) {
      const auto value = numbers_.at(*at + i * size, size);
      if (!value) break;
      result.push_back(*value);
    }
    return result;
  }

  void read_entry(std::uint64_t entry, TiffDirectory& directory) const {
    const auto tag = numbers_.at(entry, 2);
    if (!tag) return;
    const auto numbers = values(entry);
    if (numbers.empty()) return;
    switch (*tag) {
      case kNewSubfileType: directory.reduced = (numbers[0] & 1) != 0; break;
      case kSubfileType: directory.reduced |= numbers[0] == 2; break;
      case kBitsPerSample: directory.bits = numbers[0]; break;
      case kCompression: directory.compression = numbers[0]; break;
      case kPhotometric:
        directory.photometric = numbers[0];
        directory.camera_raw |= numbers[0] == kColourFilterArray || numbers[0] == kLinearRaw;
        break;
      case kSamplesPerPixel: directory.samples = numbers[0]; break;
      case kExtraSamples: directory.extra_samples = numbers; break;
      case kYcbcrSubsampling: directory.subsampling = numbers; break;
      case kDngVersion: directory.camera_raw = true; break;
      default: break;
    }
  }

  FileNumbers numbers_;
  std::uint64_t offset_size_;
};

}  // namespace

std::vector<TiffDirectory> tiff_directories(std::span<const std::byte> bytes) {
  if (bytes.size() < 8) return {};
  const bool big_endian = bytes[0] == std::byte{'M'};
  const auto version = FileNumbers(bytes, big_endian).at(2, 2);
  return Reader(bytes, big_endian, version == 43U).read();
}

}  // namespace silhouette
