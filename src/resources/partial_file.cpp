#include "resources/partial_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/file.hpp"

namespace silhouette {
namespace {

constexpr std::string_view kInfoFormat = "silhouette partial download 1";
constexpr int kPartialFlags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
constexpr std::uint64_t kMaxInfoBytes = 64 * 1024;

std::unexpected<Error> io_error(const std::filesystem::path& path, const char* verb) {
  const int number = errno;
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return fail(ErrorCode::kIoError,
              fmt::format("can't {} '{}': {}; {}choose another cache directory with $SILHOUETTE_CACHE or the cache "
                          "directory option",
                          verb, path.string(), std::strerror(number), full ? "make room or " : ""));
}

/// `bytes` is left with what could not be written.
Result<void> write_all(int fd, std::span<const std::byte>& bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(path, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

std::filesystem::path with_suffix(std::filesystem::path path, const char* suffix) {
  path += suffix;
  return path;
}

}  // namespace

std::filesystem::path partial_path(const std::filesystem::path& target) {
  return with_suffix(target, ".part");
}

std::filesystem::path partial_info_path(const std::filesystem::path& target) {
  return with_suffix(target, ".part.info");
}

std::filesystem::path lock_path(const std::filesystem::path& target) {
  return with_suffix(target, ".lock");
}

std::optional<PartialInfo> read_partial_info(const std::filesystem::path& target) {
  const auto bytes = read_file(partial_info_path(target), kMaxInfoBytes);
  if (!bytes) return std::nullopt;
  std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  const auto next_line = [&]() -> std::optional<std::string_view> {
    const auto end = text.find('\n');
    if (end == text.npos) return std::nullopt;
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
  };
  if (next_line() != kInfoFormat) return std::nullopt;
  const auto url_hash = next_line();
  const auto etag = next_line();
  const auto total = next_line();
  if (!url_hash || !etag || !total || etag->empty()) return std::nullopt;
  PartialInfo info{std::string(*url_hash), std::string(*etag), std::nullopt};
  if (!total->empty()) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(total->data(), total->data() + total->size(), number);
    if (error != std::errc{} || end != total->data() + total->size()) return std::nullopt;
    info.total = number;
  }
  return info;
}

Result<PartialFile> PartialFile::open(const std::filesystem::path& target, std::string url_hash) {
  PartialFile file(target, std::move(url_hash));
  const auto path = partial_path(target);
  struct stat status{};
  // What isn't a file of this user's own is put away once, not written to.
  for (bool again = true;; again = false) {
    file.descriptor_ = FileDescriptor(::open(path.c_str(), kPartialFlags, 0666));
    const bool open = file.descriptor_.valid();
    if (open && ::fstat(file.descriptor_.get(), &status) != 0) return io_error(path, "read");
    if (open && S_ISREG(status.st_mode) && status.st_uid == ::geteuid()) break;
    const int number = open ? EACCES : errno;
    const bool foreign = number == EACCES || number == EPERM || number == ELOOP || number == ENXIO;
    if (again && foreign && ::unlink(path.c_str()) == 0) {
      ::unlink(partial_info_path(target).c_str());
      continue;
    }
    errno = number;
    return io_error(path, "write");
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  auto info = read_partial_info(target);
  const bool fits = info && info->url_hash == file.url_hash_ && (!info->total || size <= *info->total);
  if (size > 0 && fits) {
    file.size_ = size;
    file.info_ = std::move(info);
    return file;
  }
  if (auto emptied = file.restart({}, std::nullopt); !emptied) return std::unexpected(std::move(emptied.error()));
  return file;
}

Result<void> PartialFile::restart(const std::string& etag, std::optional<std::uint64_t> total) {
  // In this order, so that bytes are never described as those of another version, whenever the process is killed.
  if (::ftruncate(descriptor_.get(), 0) != 0) return io_error(partial_path(target_), "empty");
  size_ = 0;
  info_.reset();
  std::error_code ignored;
  if (etag.empty()) {
    std::filesystem::remove(partial_info_path(target_), ignored);
    return {};
  }
  const std::string text =
      fmt::format("{}\n{}\n{}\n{}\n", kInfoFormat, url_hash_, etag, total ? fmt::to_string(*total) : "");
  // Written in place: a description that isn't there to its last line break counts as none.
  const auto path = partial_info_path(target_);
  const FileDescriptor description(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!description.valid()) return io_error(path, "write");
  auto bytes = std::as_bytes(std::span(text));
  if (auto written = write_all(description.get(), bytes, path); !written) return written;
  info_ = PartialInfo{url_hash_, etag, total};
  return {};
}

Result<void> PartialFile::append(std::span<const std::byte> bytes) {
  const auto before = bytes.size();
  auto written = write_all(descriptor_.get(), bytes, partial_path(target_));
  size_ += before - bytes.size();
  return written;
}

Result<void> PartialFile::commit() {
  const auto path = partial_path(target_);
  struct stat status{};
  // Some file systems know no such permissions.
  if (::fstat(descriptor_.get(), &status) == 0) ::fchmod(descriptor_.get(), status.st_mode & 0555U);
  if (::fsync(descriptor_.get()) != 0) return io_error(path, "write");
  if (::rename(path.c_str(), target_.c_str()) != 0) return io_error(target_, "write");
  std::error_code ignored;
  std::filesystem::remove(partial_info_path(target_), ignored);
  // The new name is safe on the disk only with its folder. Some file systems can't sync one; the file is there anyhow.
  const auto folder = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
  const FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.valid()) ::fsync(directory.get());
  return {};
}

void PartialFile::discard() noexcept {
  ::unlink(partial_info_path(target_).c_str());
  ::unlink(partial_path(target_).c_str());
  descriptor_.close();
}

}  // namespace silhouette
