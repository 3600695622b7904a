#include "resources/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "resources/wait.hpp"

namespace silhouette {
namespace {

/// flock can't be waited for together with a stop, so it is asked again and again.
constexpr std::chrono::milliseconds kPollInterval{20};

/// The lock's file, made if it isn't there. Another user's, left by a process that was killed, can be locked by whoever
/// may read it; it is opened without O_CREAT, which Linux forbids for such files in folders like /tmp.
FileDescriptor open_lock(const std::filesystem::path& path) {
  constexpr int kFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  for (;;) {
    FileDescriptor descriptor(::open(path.c_str(), O_RDWR | kFlags));
    if (!descriptor.valid() && errno == EACCES) descriptor = FileDescriptor(::open(path.c_str(), O_RDONLY | kFlags));
    if (descriptor.valid() || errno != ENOENT) return descriptor;
    descriptor = FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | kFlags, 0666));
    if (descriptor.valid()) {
      // Whoever shares the cache must be able to lock it, whatever the umask; there is nothing in it.
      static_cast<void>(::fchmod(descriptor.get(), 0666));
      return descriptor;
    }
    if (errno != EEXIST) return descriptor;
  }
}

std::unexpected<Error> lock_error(const std::filesystem::path& path) {
  const int number = errno;
  struct stat status{};
  const bool there = ::lstat(path.c_str(), &status) == 0;
  return fail(
      ErrorCode::kIoError,
      fmt::format("can't lock '{}': {}; {}choose a cache directory on a disk that can be written, "
                  "with $SILHOUETTE_CACHE or the cache directory option",
                  path.string(), std::strerror(number), there ? "delete it if no download is under way, or " : ""));
}

/// Whether the name still leads to the open file: its last holder may have removed it before we got the lock.
bool is_current(const std::filesystem::path& path, int fd) {
  struct stat named{};
  struct stat opened{};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(fd, &opened) == 0 && named.st_ino == opened.st_ino &&
         named.st_dev == opened.st_dev;
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_acquire(const std::filesystem::path& path) {
  for (;;) {
    FileDescriptor descriptor = open_lock(path);
    if (!descriptor.valid()) return lock_error(path);
    while (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      if (errno != EINTR) return lock_error(path);
    }
    if (is_current(path, descriptor.get())) return FileLock(path, std::move(descriptor));
  }
}

Result<std::optional<FileLock>> FileLock::acquire(const std::filesystem::path& path,
                                                  const std::function<void()>& waiting, const std::stop_token& stop,
                                                  std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    auto lock = try_acquire(path);
    if (!lock || *lock) return lock;
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
    if (waiting) waiting();
    if (!wait_for(kPollInterval, stop)) {
      return fail(ErrorCode::kCancelled, fmt::format("cancelled while another download held '{}'", path.string()));
    }
  }
}

FileLock::~FileLock() {
  // Removed while it is still held, so that no other holder's file can be meant.
  if (descriptor_.valid()) ::unlink(path_.c_str());
}

}  // namespace silhouette
