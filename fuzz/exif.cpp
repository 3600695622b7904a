// EXIF blocks: made ones, whose orientation is known, and any bytes. Nothing is read beyond them.
#include <bit>
#include <vector>

#include "fuzz/input.hpp"
#include "image/exif.hpp"
#include "image/format.hpp"

namespace silhouette::fuzz {
namespace {

/// A block with one directory, written here by TIFF 6.0's definition.
struct Writer {
  std::vector<std::byte> bytes;
  bool little_endian = false;

  void number(std::uint32_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
      bytes.push_back(static_cast<std::byte>(value >> 8 * (little_endian ? i : size - 1 - i)));
  }
};

void try_made_block(Input& in) {
  constexpr std::uint32_t kOrientation = 0x0112;
  constexpr std::uint32_t kShort = 3;
  Writer writer;
  writer.little_endian = in.one_in(2);
  if (in.one_in(2)) {
    for (const char c : std::string_view("Exif\0\0", 6)) writer.bytes.push_back(static_cast<std::byte>(c));
  }
  writer.bytes.resize(writer.bytes.size() + 2, std::byte(writer.little_endian ? 'I' : 'M'));
  writer.number(42, 2);
  const unsigned gap = in.below(9);
  writer.number(8 + gap, 4);
  writer.bytes.resize(writer.bytes.size() + gap);
  const unsigned before = in.below(6);
  const unsigned after = in.below(3);
  const bool present = !in.one_in(5);
  const std::uint32_t value = in.below(11);
  const auto other = [&] {
    std::uint32_t tag = in.word() & 0xffff;
    if (tag == kOrientation) ++tag;
    writer.number(tag, 2);
    writer.number(in.byte(), 2);
    writer.number(in.word(), 4);
    writer.number(in.word(), 4);
  };
  writer.number(before + (present ? 1 : 0) + after, 2);
  for (unsigned i = 0; i < before; ++i) other();
  if (present) {
    writer.number(kOrientation, 2);
    writer.number(kShort, 2);
    writer.number(1, 4);
    writer.number(value, 2);
    writer.number(in.byte(), 2);
  }
  for (unsigned i = 0; i < after; ++i) other();
  const int expected = present && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  const int found = exif_orientation(writer.bytes);
  if (found != expected) broken("the orientation is read as {} instead of {}", found, expected);
}

}  // namespace

void try_input(std::span<const std::byte> bytes) {
  Input in(bytes);
  if (in.one_in(2)) return try_made_block(in);
  // A copy of its own size: a byte behind it is nobody's.
  const std::vector<std::byte> block(in.rest().begin(), in.rest().end());
  const int orientation = exif_orientation(block);
  if (orientation < 1 || orientation > 8) broken("orientation {}", orientation);
  const SniffedFormat format = sniff_format(block);
  if (format.readable != nullptr && !format.unreadable.empty()) broken("both readable and not: {}", format.unreadable);
}

}  // namespace silhouette::fuzz
