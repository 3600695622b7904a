#include "terminal.hpp"

#include <unistd.h>

#include <cstdlib>

namespace silhouette::cli {

std::string environment(const char* name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this process changes the environment
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_capable_terminal(int descriptor) {
  const std::string kind = environment("TERM");
  return ::isatty(descriptor) == 1 && !kind.empty() && kind != "dumb";
}

}  // namespace silhouette::cli
