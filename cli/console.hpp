#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "progress.hpp"
#include "silhouette/error.hpp"

namespace silhouette::cli {

/// Standard output and standard error, with the progress bar out of the way of both. Used by one thread.
class Console {
 public:
  Console();

  /// Writes to standard output at once. After a failure, further output is dropped.
  void out(std::string_view text);
  void out(std::span<const std::byte> bytes);

  /// "silhouette: MESSAGE" on standard error, in one line.
  void error(std::string_view message);

  /// Reports a failure and returns its exit code. Cancelling is no failure worth a message: who cancels knows.
  int fail(const Error& error);

  /// Whether standard output failed or its reader went away: nothing more can be delivered.
  [[nodiscard]] bool broken() const { return errno_ != 0; }

  /// `exit_code`, or the one that says what went wrong with standard output.
  int finish(int exit_code);

  [[nodiscard]] bool colored() const { return colored_; }
  [[nodiscard]] Progress& progress() { return progress_; }

 private:
  Progress progress_;
  bool colored_;
  int errno_ = 0;
};

}  // namespace silhouette::cli
