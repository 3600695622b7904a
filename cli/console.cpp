#include "console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

#include "exit_codes.hpp"
#include "files.hpp"
#include "format.hpp"
#include "terminal.hpp"

namespace silhouette::cli {
// https://no-color.org: set and not empty means none.
Console::Console() : colored_(is_capable_terminal(STDOUT_FILENO) && environment("NO_COLOR").empty()) {}

void Console::out(std::string_view text) {
  out(std::as_bytes(std::span(text)));
}

void Console::out(std::span<const std::byte> bytes) {
  if (errno_ != 0) return;
  progress_.hide();
  if (!write_all(STDOUT_FILENO, bytes)) errno_ = errno;
}

void Console::error(std::string_view message) {
  progress_.hide();
  const std::string line = fmt::format("silhouette: {}\n", printable(message));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

int Console::fail(const Error& error) {
  if (error.code != ErrorCode::kCancelled) this->error(error.message);
  return exit_code_for(error.code);
}

int Console::finish(int exit_code) {
  progress_.end();
  if (errno_ == 0) return exit_code;
  if (errno_ == EPIPE) return kExitSignalBase + SIGPIPE;
  error(fmt::format("can't write to standard output: {}", std::generic_category().message(errno_)));
  return kExitFile;
}

}  // namespace silhouette::cli
