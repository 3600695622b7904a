#include "base/processors.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace silhouette {
namespace {

namespace fs = std::filesystem;

/// Microseconds of processor time in each period. Nothing if there is no limit, or none that makes sense.
std::optional<double> share(double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return std::nullopt;
  return quota / period;
}

// Names are put together as strings: the C++ library's paths aren't sound when memory ends while they are joined.

/// cpu.max is "QUOTA PERIOD" or "max PERIOD" (Linux, Documentation/admin-guide/cgroup-v2.rst).
std::optional<double> read_version_2(const std::string& group) {
  std::ifstream file(group + "/cpu.max");
  double quota = 0;
  double period = 0;
  if (!(file >> quota >> period)) return std::nullopt;
  return share(quota, period);
}

/// Without a limit the quota is −1 (Linux, Documentation/scheduler/sched-bwc.rst).
std::optional<double> read_version_1(const std::string& group) {
  std::ifstream quota_file(group + "/cpu.cfs_quota_us");
  std::ifstream period_file(group + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  return share(quota, period);
}

/// The names between a group's slashes, each ".." taken with the name before it.
std::vector<std::string_view> names_of(std::string_view group) {
  std::vector<std::string_view> names;
  while (!group.empty()) {
    const auto end = std::min(group.find('/'), group.size());
    const std::string_view name = group.substr(0, end);
    group.remove_prefix(std::min(end + 1, group.size()));
    if (name.empty() || name == ".") continue;
    if (name == ".." && !names.empty() && names.back() != "..") {
      names.pop_back();
    } else {
      names.push_back(name);
    }
  }
  return names;
}

/// The least that `read` finds for the group and all above it.
template <typename Read>
std::optional<double> least_share(const std::string& hierarchy, std::string_view group, const Read& read) {
  std::optional<double> least;
  std::vector<std::string_view> names = names_of(group);
  while (true) {
    // A name above the root, as another namespace's groups have, leads out of the hierarchy.
    if (names.empty() || names.front() != "..") {
      std::string folder = hierarchy;
      for (const std::string_view name : names) {
        folder += '/';
        folder += name;
      }
      if (const auto found = read(folder)) least = std::min(*found, least.value_or(*found));
    }
    if (names.empty()) return least;
    names.pop_back();
  }
}

bool lists(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const auto end = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, end) == wanted) return true;
    controllers.remove_prefix(std::min(end + 1, controllers.size()));
  }
  return false;
}

}  // namespace

std::optional<double> cgroup_processors(const fs::path& membership, const fs::path& mounts) {
  std::optional<double> least;
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {
    // "ID:CONTROLLERS:GROUP"; version 2 has no controllers.
    const auto first = line.find(':');
    const auto second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    const auto controllers = std::string_view(line).substr(first + 1, second - first - 1);
    const auto group = std::string_view(line).substr(second + 1);
    std::optional<double> found;
    if (controllers.empty()) {
      // Where both versions are mounted, the second one has a folder of its own.
      for (const std::string& hierarchy : {mounts.native(), mounts.native() + "/unified"}) {
        if (!found) found = least_share(hierarchy, group, read_version_2);
      }
    } else if (lists(controllers, "cpu")) {
      for (const std::string& hierarchy :
           {mounts.native() + "/" + std::string(controllers), mounts.native() + "/cpu"}) {
        if (!found) found = least_share(hierarchy, group, read_version_1);
      }
    }
    if (found) least = std::min(*found, least.value_or(*found));
  }
  return least;
}

int available_processors() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
  try {
    const auto granted = cgroup_processors("/proc/self/cgroup", "/sys/fs/cgroup");
    if (!granted || *granted >= allowed) return allowed;
    return std::max(1, static_cast<int>(std::ceil(*granted)));
  } catch (const std::exception&) {
    // Without the memory to ask, what the mask says will do.
    return allowed;
  }
}

}  // namespace silhouette
