#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>

#include "resources/descriptor.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// An exclusive lock on a name, among threads and processes, that the system frees when its holder dies. The file of
/// that name is there only while somebody holds or wants the lock.
class FileLock {
 public:
  /// Waits for the lock; `waiting` is called from time to time meanwhile. Nothing if the deadline passes. kCancelled,
  /// kIoError.
  static Result<std::optional<FileLock>> acquire(
      const std::filesystem::path& path, const std::function<void()>& waiting, const std::stop_token& stop,
      std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max());

  /// The lock, or nothing if somebody else has it. kIoError.
  static Result<std::optional<FileLock>> try_acquire(const std::filesystem::path& path);

  FileLock(FileLock&&) noexcept = default;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  FileLock(std::filesystem::path path, FileDescriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)) {}

  std::filesystem::path path_;
  FileDescriptor descriptor_;
};

}  // namespace silhouette
