#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace silhouette::test {

/// How a process is started.
struct Invocation {
  std::vector<std::string> wrapper;  ///< a program that starts it, as `prlimit --nproc=1`; empty = none
  std::vector<std::string> arguments;
  std::string input;                ///< what it reads from standard input, unless that is held open
  std::filesystem::path directory;  ///< its current folder; empty = this process's
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to this process's
  bool hold_input_open = false;                                  ///< standard input never ends
  bool close_output = false;                                     ///< nobody reads its standard output
};

/// What came of it.
struct Finished {
  int exit_code = -1;  ///< -1 if a signal ended it
  std::string out;
  std::string err;
};

/// A running `silhouette` command. It is killed if it is still there at the end.
class Process {
 public:
  explicit Process(Invocation invocation);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  void send_signal(int number) const;

  /// Feeds it all its input, which must fit into a pipe, and returns when it has read that or ended.
  void wait_until_input_is_read();

  /// Returns when it has written something to standard output or ended.
  void wait_for_output() const;

  /// Feeds and drains its pipes until it ends.
  Finished finish();

 private:
  std::string input_;
  bool hold_input_open_;
  int pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
};

/// Runs `silhouette` to its end.
Finished run_silhouette(Invocation invocation);
Finished run_silhouette(std::vector<std::string> arguments);

}  // namespace silhouette::test
