#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/checked.hpp"

namespace silhouette {

/// Numbers of a file, read one by one; nothing where it ends before.
class FileNumbers {
 public:
  FileNumbers(std::span<const std::byte> bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  [[nodiscard]] std::optional<std::uint64_t> at(std::uint64_t offset, std::size_t size) const {
    if (!in_range<std::uint64_t>(offset, size, bytes_.size())) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t from = big_endian_ ? i : size - 1 - i;
      value = value << 8 | std::to_integer<std::uint64_t>(bytes_[static_cast<std::size_t>(offset) + from]);
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool big_endian_;
};

}  // namespace silhouette
