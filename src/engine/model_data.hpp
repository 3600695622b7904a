#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "base/file.hpp"

namespace silhouette {

/// A model file's bytes, mapped or in memory, shared by whoever still needs them.
class ModelData {
 public:
  explicit ModelData(MappedFile file) : value_(std::move(file)) {}
  explicit ModelData(std::vector<std::byte> bytes) : value_(std::move(bytes)) {}

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    if (const auto* file = std::get_if<MappedFile>(&value_)) return file->bytes();
    return std::get<std::vector<std::byte>>(value_);
  }

  /// Gives the pages of a mapped file back to the system; they are read again if they are touched again. An engine
  /// calls it when it has packed the weights, so that they are not in memory twice.
  void drop_pages() const noexcept {
    if (const auto* file = std::get_if<MappedFile>(&value_)) file->drop_pages();
  }

 private:
  std::variant<MappedFile, std::vector<std::byte>> value_;
};

}  // namespace silhouette
