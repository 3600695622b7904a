#include "console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "exit_codes.hpp"
#include "files.hpp"
#include "format.hpp"

namespace silhouette::cli {
namespace {

bool wants_color() {
  // https://no-color.org: set and not empty means none.
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const kind = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') && kind != nullptr &&
         std::string_view(kind) != "dumb";
}

}  // namespace

Console::Console() : colored_(wants_color()) {}

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
  error(fmt::format("can't write to standard output: {}", std::strerror(errno_)));
  return kExitFile;
}

}  // namespace silhouette::cli
