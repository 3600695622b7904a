#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "resources/descriptor.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Which version of which file a partial download belongs to.
struct PartialInfo {
  std::string url_hash;                ///< SHA-256 of the URL, which may carry secrets itself
  std::string etag;                    ///< strong
  std::optional<std::uint64_t> total;  ///< bytes of the whole file
};

/// Where the bytes of a download for `target` are kept, and what belongs to them.
std::filesystem::path partial_path(const std::filesystem::path& target);
std::filesystem::path partial_info_path(const std::filesystem::path& target);
std::filesystem::path lock_path(const std::filesystem::path& target);

/// What is known of an interrupted download. Nothing if there is no sound description.
std::optional<PartialInfo> read_partial_info(const std::filesystem::path& target);

/// A file on its way. To be used under the target's lock.
class PartialFile {
 public:
  /// Opens what an interrupted download of the same URL left, or begins anew; also where another user's left something,
  /// which isn't to be trusted. kIoError.
  static Result<PartialFile> open(const std::filesystem::path& target, std::string url_hash);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

  /// The version that the bytes belong to; nothing if the download can't be resumed.
  [[nodiscard]] const std::optional<PartialInfo>& info() const noexcept { return info_; }

  /// Drops all bytes. With an `etag` those to come can be resumed later.
  Result<void> restart(const std::string& etag, std::optional<std::uint64_t> total);
  Result<void> append(std::span<const std::byte> bytes);

  /// Puts the bytes on the disk and gives them the target's name. Nobody may write to them from then on, not even their
  /// owner by mistake: such files are mapped.
  Result<void> commit();

  /// Removes what was downloaded.
  void discard() noexcept;

 private:
  PartialFile(std::filesystem::path target, std::string url_hash)
      : target_(std::move(target)), url_hash_(std::move(url_hash)) {}

  std::filesystem::path target_;
  std::string url_hash_;
  FileDescriptor descriptor_;
  std::uint64_t size_ = 0;
  std::optional<PartialInfo> info_;
};

}  // namespace silhouette
