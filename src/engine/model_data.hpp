#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "base/file.hpp"

namespace silhouette {

/// A model file's bytes, shared by whoever still needs them.
///
/// Files that are ours (the cache, the models folder) are only ever replaced whole, and so can be mapped: their pages
/// are in memory while they are touched, and come back when they are touched again. What lies elsewhere may be
/// rewritten or cut short by another process between the verification and the last use, so it is read into memory,
/// where it stays as verified; so do bytes that the caller gave. While an engine packs the weights these cost the
/// file's size and the packed weights together; `discard` then gives back what the engine needs no longer.
class ModelData {
 public:
  explicit ModelData(MappedFile file) : value_(std::move(file)) {}
  explicit ModelData(AlignedBuffer<std::byte> bytes) : value_(std::move(bytes)) {}
  explicit ModelData(std::vector<std::byte> bytes) : value_(std::move(bytes)) {}

  /// Of a file that nobody changes in place.
  [[nodiscard]] bool is_mapped() const noexcept { return std::holds_alternative<MappedFile>(value_); }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    if (const auto* file = std::get_if<MappedFile>(&value_)) return file->bytes();
    if (const auto* buffer = std::get_if<AlignedBuffer<std::byte>>(&value_)) return buffer->span();
    return std::get<std::vector<std::byte>>(value_);
  }

  /// Gives the pages of a mapped file back to the system; they are read again if they are touched again. An engine
  /// calls it when it has packed the weights, so that they are not in memory twice.
  void drop_pages() const noexcept {
    if (const auto* file = std::get_if<MappedFile>(&value_)) file->drop_pages();
  }

  /// Gives the whole pages among these bytes back to the system for good: what is read there afterwards is anything.
  /// For an engine that knows what it still needs, when it alone has the data.
  void discard(std::size_t offset, std::size_t size) const noexcept { discard_pages(bytes().subspan(offset, size)); }

 private:
  std::variant<MappedFile, AlignedBuffer<std::byte>, std::vector<std::byte>> value_;
};

}  // namespace silhouette
