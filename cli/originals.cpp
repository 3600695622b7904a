#include "originals.hpp"

#include <sys/stat.h>

#include <optional>

namespace silhouette::cli {
namespace {

std::optional<std::pair<dev_t, ino_t>> identity(const std::filesystem::path& path) {
  struct stat status{};
  // Writing to a device or pipe overwrites nothing.
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return std::pair{status.st_dev, status.st_ino};
}

}  // namespace

void Originals::add(const std::filesystem::path& path) {
  if (const auto id = identity(path)) files_.insert(*id);
}

bool Originals::contains(const std::filesystem::path& path) const {
  const auto id = identity(path);
  return id && files_.contains(*id);
}

}  // namespace silhouette::cli
