#pragma once

#include <sys/types.h>

#include <filesystem>
#include <set>
#include <utility>

namespace silhouette::cli {

/// Files that must not be overwritten, by what they are and not how they are called: however a name leads to one of
/// them, it is the same device and inode.
class Originals {
 public:
  void add(const std::filesystem::path& path);
  [[nodiscard]] bool contains(const std::filesystem::path& path) const;

 private:
  std::set<std::pair<dev_t, ino_t>> files_;
};

}  // namespace silhouette::cli
