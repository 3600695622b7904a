#include "resources/cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "resources/descriptor.hpp"
#include "resources/file_lock.hpp"
#include "resources/models.hpp"
#include "resources/partial_file.hpp"
#include "resources/source.hpp"

namespace silhouette::cache {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::system_clock;

constexpr std::string_view kPackedEnding = ".bin";

/// "x.bin" of "x.bin.Ab12Cd", as earlier versions called packed weights on their way.
std::string_view without_random_suffix(std::string_view name) {
  constexpr std::size_t kRandom = 6;
  if (name.size() < kRandom + 1 || name[name.size() - kRandom - 1] != '.') return {};
  const auto random = name.substr(name.size() - kRandom);
  const auto is_random = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return std::ranges::all_of(random, is_random) ? name.substr(0, name.size() - kRandom - 1) : std::string_view();
}

/// The model that a file of the cache belongs to: itself, or what its parts, their description or a lock are for. Empty
/// for what isn't ours.
fs::path target_of(const fs::path& file, std::string_view ending) {
  const std::string name = file.string();
  if (const auto target = without_random_suffix(name); ending == kPackedEnding && target.ends_with(ending)) {
    return target;
  }
  for (const std::string_view suffix : {"", ".part", ".part.info", ".lock"}) {
    if (!name.ends_with(suffix)) continue;
    const auto target = std::string_view(name).substr(0, name.size() - suffix.size());
    if (target.ends_with(ending)) return target;
  }
  return {};
}

struct Size {
  std::uint64_t bytes;
  Clock::time_point used;
};

std::optional<Size> size_of(const fs::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const auto used = [](const timespec& time) {
    return Clock::time_point(std::chrono::duration_cast<Clock::duration>(std::chrono::seconds(time.tv_sec) +
                                                                         std::chrono::nanoseconds(time.tv_nsec)));
  };
  return Size{static_cast<std::uint64_t>(status.st_size), std::max(used(status.st_atim), used(status.st_mtim))};
}

std::string registered_name(const fs::path& cache, const fs::path& file) {
  for (const auto& entry : registered_models()) {
    if (!entry.url.empty() && cached_file(cache, std::string(entry.url)) == file) return std::string(entry.name);
  }
  return {};
}

/// Adds what `directory` keeps of files with that ending. A model's several files come to one.
Result<void> add_files(const fs::path& directory, std::string_view ending, std::map<fs::path, CachedModel>& models) {
  const auto add = [&](const fs::path& file) {
    const auto target = target_of(file, ending);
    const auto size = size_of(file);
    if (target.empty() || !size) return true;
    const bool whole = file == target;
    const auto [model, added] = models.try_emplace(target);
    auto& [path, entry] = *model;
    if (added) entry.complete = false;
    entry.path = target.string();
    entry.bytes += size->bytes;
    entry.complete = entry.complete || whole;
    entry.last_used = std::max(entry.last_used, size->used);
    return true;
  };
  const auto error = visit_folder(directory, add);
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(ErrorCode::kIoError, fmt::format("can't read '{}': {}", directory.string(), error.message()));
  }
  return {};
}

/// Whether a process is writing the file, which it locks then.
bool is_being_written(const FileDescriptor& file) {
  return file.valid() && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/// Deletes the model's files. Whether there was a whole one; nothing if it is under way.
Result<std::optional<bool>> remove_files(const fs::path& target) {
  std::error_code error;
  const auto folder = target.parent_path();
  if (!fs::exists(folder, error)) return false;
  const auto lock = FileLock::try_acquire(lock_path(target));
  if (!lock) return std::unexpected(lock.error());
  const auto part = partial_path(target);
  const FileDescriptor written(::open(part.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!*lock || is_being_written(written)) return std::nullopt;
  const auto ending = target.extension().string();
  error = visit_folder(folder, [&](const fs::path& path) {
    std::error_code ignored;
    if (path != target && path != lock_path(target) && target_of(path, ending) == target) fs::remove(path, ignored);
    return true;
  });
  const bool removed = fs::remove(target, error);
  if (error) return fail(ErrorCode::kIoError, fmt::format("can't delete '{}': {}", target.string(), error.message()));
  return removed;
}

}  // namespace

Result<std::vector<CachedModel>> list(const std::string& folder) {
  const auto cache = cache_directory(folder);
  if (!cache) return std::unexpected(cache.error());
  // Ordered by their paths.
  std::map<fs::path, CachedModel> downloads;
  std::map<fs::path, CachedModel> packed;
  if (auto added = add_files(cached_file(*cache, "").parent_path(), kModelEnding, downloads); !added) {
    return std::unexpected(std::move(added.error()));
  }
  if (auto added = add_files(packed_directory(*cache), kPackedEnding, packed); !added) {
    return std::unexpected(std::move(added.error()));
  }
  std::vector<CachedModel> files;
  for (auto& [path, model] : downloads) {
    model.name = registered_name(*cache, path);
    files.push_back(std::move(model));
  }
  for (auto& [path, model] : packed) {
    model.packed = true;
    files.push_back(std::move(model));
  }
  return files;
}

Result<std::vector<CachedModel>> prune(const PruneOptions& options, const std::string& folder) {
  auto models = list(folder);
  if (!models) return models;
  // The last used first, so that they are kept first; with the same time the order of names decides.
  std::ranges::sort(*models, [](const CachedModel& a, const CachedModel& b) {
    return a.last_used != b.last_used ? a.last_used > b.last_used : a.path < b.path;
  });
  const auto now = Clock::now();
  std::uint64_t kept = 0;
  std::vector<CachedModel> removed;
  for (auto& model : *models) {
    const bool fits = !options.max_bytes || (kept <= *options.max_bytes && model.bytes <= *options.max_bytes - kept);
    const bool young = !options.max_age || now - model.last_used <= *options.max_age;
    if (model.complete && fits && young) {
      kept += model.bytes;
      continue;
    }
    const auto gone = remove_files(model.path);
    if (!gone) return std::unexpected(gone.error());
    if (*gone) removed.push_back(std::move(model));
  }
  std::ranges::sort(removed, {}, &CachedModel::path);
  return removed;
}

Result<bool> remove(const std::string& source, const std::string& folder) {
  const auto target = download_of(source, folder);
  if (!target) return std::unexpected(target.error());
  const auto removed = remove_files(*target);
  if (!removed) return std::unexpected(removed.error());
  if (*removed) return **removed;
  return fail(ErrorCode::kIoError,
              fmt::format("'{}' is being downloaded right now; try again later", display_source(source)));
}

}  // namespace silhouette::cache
