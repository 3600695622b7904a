#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <system_error>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// The whole of a regular file. kFileNotFound, kIoError (a directory, no permission), kLimitExceeded above `max_bytes`.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// The same for a large file: memory that is aligned and written once only. kIoError also if the file shrinks
/// meanwhile.
Result<AlignedBuffer<std::byte>> read_large_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// The same in blocks, one after the other, for files that needn't be in memory.
Result<void> read_blocks(const std::filesystem::path& path, std::uint64_t max_bytes,
                         const std::function<void(std::span<const std::byte>)>& take);

/// Calls `visit` with the path of everything in a folder, in no order, until it returns false. The standard library's
/// iterators end the process where memory ends.
std::error_code visit_folder(const std::filesystem::path& folder,
                             const std::function<bool(const std::filesystem::path&)>& visit);

/// Gives the pages that lie wholly within `bytes` back to the system. Read again, those of a mapped file come from the
/// file again, and those of other memory, which the caller must own, are zero.
void discard_pages(std::span<const std::byte> bytes) noexcept;

/// Whether MappedFile::open_private would take it now.
bool is_private_file(const std::filesystem::path& path) noexcept;

/// Writes a file whole or not at all: a temporary file in the same folder, synced, then renamed. kIoError.
Result<void> write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// A file's bytes mapped read-only. Move-only; unmapped at the end. Only for files that are replaced and never changed
/// in place: another process that writes into a mapped file changes the bytes, and one that cuts it short makes reading
/// them end in SIGBUS.
class MappedFile {
 public:
  /// As `read_file`. An empty file maps to an empty span.
  static Result<MappedFile> open(const std::filesystem::path& path, std::uint64_t max_bytes);

  /// The same, but only for a file that no other user can change or cut short: this user's or root's, writable by
  /// nobody else, and no symbolic link. kIoError otherwise.
  static Result<MappedFile> open_private(const std::filesystem::path& path, std::uint64_t max_bytes);

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
  static Result<MappedFile> map(const std::filesystem::path& path, std::uint64_t max_bytes, bool only_private);

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace silhouette
