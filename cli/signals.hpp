#pragma once

#include <stop_token>
#include <thread>

namespace silhouette::cli {

/// Turns the first Ctrl-C (SIGINT), SIGTERM or SIGHUP into a stop request, so that what is running can clean up; a
/// second one ends the process at once. SIGPIPE and SIGXFSZ are ignored: writing to a closed pipe, or beyond the size
/// that files may have (`ulimit -f`), is an error like others. One object a process.
class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

  /// Asks for the same stop without a signal.
  void request_stop() { source_.request_stop(); }

  /// The signal that came, or 0.
  [[nodiscard]] static int caught() noexcept;

  /// Becomes readable when a signal came and stays so: lets a blocking read on a pipe be given up. -1 if there is none.
  [[nodiscard]] static int wake_descriptor() noexcept;

 private:
  std::stop_source source_;
  std::jthread watcher_;
};

}  // namespace silhouette::cli
