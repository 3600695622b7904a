#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "silhouette/error.hpp"

namespace silhouette {

/// The whole of a regular file. kFileNotFound, kIoError (a directory, no permission), kLimitExceeded above `max_bytes`.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// Writes a file whole or not at all: a temporary file in the same folder, synced, then renamed. kIoError.
Result<void> write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// A file's bytes mapped read-only. Move-only; unmapped at the end.
class MappedFile {
 public:
  /// As `read_file`. An empty file maps to an empty span.
  static Result<MappedFile> open(const std::filesystem::path& path, std::uint64_t max_bytes);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

  /// Gives the pages back to the system. The bytes stay readable, from the file again.
  void drop_pages() const noexcept;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace silhouette
