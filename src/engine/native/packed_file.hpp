#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "base/file.hpp"

namespace silhouette::native {

/// Packed weights in a file: a page that says whose they are, then the floats, ready to be mapped.
struct PackedFile {
  MappedFile file;
  std::span<const float> weights;
};

/// The packed weights at `path` if they are `count` floats made for `key`; nothing otherwise, whatever the reason.
/// Files there are only ever replaced, never changed.
std::optional<PackedFile> open_packed(const std::filesystem::path& path, std::string_view key, std::size_t count);

/// Writes them, whole or not at all; what can't be written is left.
void write_packed(const std::filesystem::path& path, std::string_view key, std::span<const float> weights);

}  // namespace silhouette::native
