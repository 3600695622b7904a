#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace silhouette::cli {

/// A bar in the last line of the terminal that is standard error. Does nothing where that is no terminal. It appears
/// only once something takes longer than a moment, and leaves no trace.
class Progress {
 public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { end(); }

  /// Begins a task; an earlier one's bar goes.
  void begin(std::string_view what);

  /// Shows how far the task is, 0…1.
  void update(double fraction);

  /// Takes the bar off the line, so that something else can be printed; the next `update` brings it back.
  void hide();

  /// Ends the task and takes its bar away.
  void end();

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool running_ = false;
  bool shown_ = false;
  std::string what_;
  Clock::time_point began_;
  Clock::time_point drawn_;
};

}  // namespace silhouette::cli
