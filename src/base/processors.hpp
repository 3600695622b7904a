#pragma once

#include <filesystem>
#include <optional>

namespace silhouette {

/// Processors that this process may use at once, at least 1: its affinity mask, and what its control groups let it
/// have, rounded up.
int available_processors() noexcept;

/// Processors' worth of time that Linux control groups (versions 1 and 2) grant: the least of the process's own group
/// and those above it, or nothing if none is limited. `membership` is a file like /proc/self/cgroup (cgroups(7)),
/// `mounts` the folder where the hierarchies are mounted, /sys/fs/cgroup. A group that can't be seen there, as in a
/// container that isn't told its own name, counts as its nearest visible ancestor. May throw std::bad_alloc.
std::optional<double> cgroup_processors(const std::filesystem::path& membership, const std::filesystem::path& mounts);

}  // namespace silhouette
