#include "resources/models.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/file.hpp"
#include "resources/nearest.hpp"
#include "resources/sha256.hpp"
#include "resources/source.hpp"
#include "resources/url.hpp"

namespace silhouette {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMirrorVariable = "SILHOUETTE_MODEL_HOST";

/// What a source text means, before anything is looked for.
struct Location {
  const ModelEntry* entry = nullptr;
  std::string url;  ///< or
  fs::path path;    ///< or neither, for the embedded model
};

bool looks_like_name(std::string_view text) {
  return text.find_first_of("./\\ ") == text.npos;
}

Result<Location> locate(const std::string& source) {
  if (const auto* const entry = find_model(source)) return Location{entry, std::string(entry->url), {}};
  const auto kind = classify_source(source);
  if (!kind) return std::unexpected(kind.error());
  switch (*kind) {
    case SourceKind::kHttpUrl: {
      const auto models = registered_models();
      const auto known = std::ranges::find(models, std::string_view(source), &ModelEntry::url);
      return Location{known == models.end() ? nullptr : &*known, source, {}};
    }
    case SourceKind::kFileUri: {
      auto path = path_from_file_uri(source);
      if (!path) return std::unexpected(std::move(path.error()));
      return Location{nullptr, {}, std::move(*path)};
    }
    case SourceKind::kDataUri:
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("a model can't come from '{}'; give its name, path, URL or bytes", display_source(source)));
    case SourceKind::kPath:
    case SourceKind::kBase64: return Location{nullptr, {}, source};
  }
  return fail(ErrorCode::kInternal, "unknown kind of source");
}

Result<fs::path> check_path(const std::string& source, const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (fs::is_regular_file(status)) return path;
  if (fs::exists(status)) {
    return fail(ErrorCode::kIoError, fmt::format("'{}' is {}; give a model file", display_source(source),
                                                 fs::is_directory(status) ? "a directory" : "no regular file"));
  }
  if (status.type() == fs::file_type::not_found || error == std::errc::filename_too_long) {
    if (looks_like_name(source)) {
      std::vector<std::string_view> names;
      for (const auto& entry : registered_models()) names.push_back(entry.name);
      const auto meant = nearest_name(source, names);
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is neither a file nor a known model; {}known are {}", display_source(source),
                              meant.empty() ? "" : fmt::format("did you mean {}? ", meant), fmt::join(names, ", ")));
    }
    return fail(ErrorCode::kFileNotFound,
                fmt::format("there is no file '{}'; give the path, URL or name of a model", display_source(source)));
  }
  return fail(ErrorCode::kIoError, fmt::format("can't look at '{}': {}", display_source(source), error.message()));
}

Result<fs::path> find_embedded(const ModelEntry& entry) {
  std::vector<std::string> searched;
  for (const auto& folder : model_directories()) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / entry.file, ignored)) return folder / entry.file;
    searched.push_back(folder.string());
  }
  return fail(
      ErrorCode::kFileNotFound,
      fmt::format("the model {} ({}) is in none of the folders {}; set $SILHOUETTE_MODELS to the one that has it",
                  entry.name, entry.file, fmt::join(searched, ", ")));
}

/// A file that is here already. Nothing where it would have to be downloaded, to `cached`.
struct Found {
  Location location;
  std::optional<fs::path> path;
  fs::path cached;
};

Result<Found> look_for(const std::string& given, const std::string& cache) {
  const std::string source(trim_source(given));
  auto location = locate(source);
  if (!location) return std::unexpected(std::move(location.error()));
  Found found{std::move(*location), std::nullopt, {}};
  if (!found.location.url.empty()) {
    const auto folder = cache_directory(cache);
    if (!folder) return std::unexpected(folder.error());
    found.cached = cached_file(*folder, found.location.url);
    std::error_code ignored;
    if (fs::is_regular_file(found.cached, ignored)) found.path = found.cached;
    return found;
  }
  auto path =
      found.location.entry != nullptr ? find_embedded(*found.location.entry) : check_path(source, found.location.path);
  if (!path) return std::unexpected(std::move(path.error()));
  found.path = std::move(*path);
  return found;
}

LocalModel local_model(Found found) {
  const bool ours = found.location.path.empty() && is_private_file(*found.path);
  return {std::move(*found.path), found.location.entry, ours, !found.cached.empty()};
}

Result<void> check_cached(const fs::path& path, const ModelCheck& check) {
  if (!check) return {};
  if (const auto file = MappedFile::open_private(path, kMaxModelBytes)) return check(file->bytes(), path.string());
  const auto bytes = read_large_file(path, kMaxModelBytes);
  if (!bytes) return std::unexpected(bytes.error());
  return check(bytes->span(), path.string());
}

/// Of what a server sent; a login page that answers in its place would be taken for the model forever.
Result<void> check_download(const std::string& url, const ModelCheck& check, std::span<const std::byte> file) {
  if (!check) return {};
  const auto sound = check(file, display_source(url));
  if (sound) return {};
  std::string start(reinterpret_cast<const char*>(file.data()), std::min<std::size_t>(file.size(), 16));
  std::ranges::replace_if(start, [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '.');
  return fail(sound.error().code, fmt::format("{} (what the server sent has {} bytes and starts with '{}')",
                                              sound.error().message, file.size(), start));
}

Result<std::string> address_of(const Location& location) {
  const char* const mirror = std::getenv(kMirrorVariable);
  if (location.entry == nullptr || mirror == nullptr || *mirror == '\0') return location.url;
  return replace_origin(location.url, mirror, fmt::format("${}", kMirrorVariable));
}

/// The time of the last access tells which models a cache can do without. Set here, since systems that keep it are
/// rare.
void mark_used(const fs::path& path) {
  const std::array<timespec, 2> times{timespec{.tv_sec = 0, .tv_nsec = UTIME_NOW},
                                      timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT}};
  // A cache that can't be written is used all the same.
  static_cast<void>(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0));
}

/// Lets through what a caller's progress may see: rising fractions, and 1 only when all is done.
class Fractions {
 public:
  explicit Fractions(const std::function<void(double)>& callback) : callback_(callback) { tell(0); }

  void bytes(std::uint64_t received, std::uint64_t total) {
    if (total == 0 || received >= total) return;
    const double fraction = static_cast<double>(received) / static_cast<double>(total);
    if (fraction > last_ && fraction < 1) tell(fraction);
  }
  void done() { tell(1); }

 private:
  void tell(double fraction) {
    last_ = fraction;
    if (callback_) callback_(fraction);
  }

  const std::function<void(double)>& callback_;
  double last_ = 0;
};

Result<LocalModel> resolve(const std::string& source, const std::string& cache,
                           const std::function<void(double)>& progress, const std::stop_token& stop,
                           const ModelFetch& fetch) {
  auto found = look_for(source, cache);
  if (!found) return std::unexpected(std::move(found.error()));
  std::string sha256;
  if (!fetch.sha256.empty()) {
    auto normal = normalize_sha256(fetch.sha256);
    if (!normal) return std::unexpected(std::move(normal.error()));
    sha256 = std::move(*normal);
  }
  Fractions fractions(progress);
  const bool remote = !found->cached.empty();
  if (found->path && !sha256.empty()) {
    const auto hash = sha256_of_file(*found->path);
    if (!hash) return std::unexpected(hash.error());
    if (*hash != sha256 && !remote) {
      return fail(ErrorCode::kInvalidModel,
                  fmt::format("the SHA-256 of '{}' is {} instead of {}", display_source(source), *hash, sha256));
    }
    if (*hash != sha256) found->path.reset();
  }
  std::string damage;
  if (found->path && remote) {
    if (const auto sound = check_cached(*found->path, fetch.check); !sound) {
      if (sound.error().code != ErrorCode::kInvalidModel) return std::unexpected(sound.error());
      damage = sound.error().message;
      found->path.reset();
    }
  }
  if (!found->path) {
    auto address = address_of(found->location);
    if (!address) return std::unexpected(std::move(address.error()));
    const FileRequest request{std::move(*address), found->cached, sha256, [&](std::span<const std::byte> file) {
                                return check_download(found->location.url, fetch.check, file);
                              }};
    auto downloaded = download_file(
        request, fetch.limits, [&](std::uint64_t received, std::uint64_t total) { fractions.bytes(received, total); },
        stop);
    if (!downloaded) {
      auto& error = downloaded.error();
      if (!damage.empty()) error.message += fmt::format("; the file in the cache is of no use: {}", damage);
      return std::unexpected(std::move(error));
    }
    found->path = found->cached;
  }
  if (remote) mark_used(*found->path);
  fractions.done();
  return local_model(std::move(*found));
}

/// Turns what the standard library throws when memory ends into an error.
template <typename Function>
auto guarded(const std::string& source, const Function& function) -> decltype(function()) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("no memory for '{}'; end other programs", display_source(source)));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, fmt::format("'{}': {}", display_source(source), error.what()));
  }
}

}  // namespace

DownloadLimits model_limits(const DownloadPatience& patience) {
  DownloadLimits limits;
  limits.max_bytes = kMaxModelBytes;
  set_patience(limits, patience, std::chrono::hours(6));
  return limits;
}

Result<LocalModel> resolve_model(const std::string& source, const std::string& cache,
                                 const std::function<void(double)>& progress, std::stop_token stop,
                                 const ModelFetch& fetch) {
  return guarded(source, [&] { return resolve(source, cache, progress, stop, fetch); });
}

Result<LocalModel> find_local_model(const std::string& source, const std::string& cache, const ModelCheck& check) {
  return guarded(source, [&]() -> Result<LocalModel> {
    auto found = look_for(source, cache);
    if (!found) return std::unexpected(std::move(found.error()));
    if (found->path && !found->cached.empty()) {
      const auto sound = check_cached(*found->path, check);
      if (!sound && sound.error().code == ErrorCode::kInvalidModel) {
        return fail(ErrorCode::kFileNotFound,
                    fmt::format("'{}' has to be downloaded anew: {}", display_source(source), sound.error().message));
      }
      if (!sound) return std::unexpected(sound.error());
    }
    if (found->path) return local_model(std::move(*found));
    return fail(ErrorCode::kFileNotFound, fmt::format("'{}' has not been downloaded yet; its place is '{}'",
                                                      display_source(source), found->cached.string()));
  });
}

Result<std::filesystem::path> download_of(const std::string& source, const std::string& cache) {
  return guarded(source, [&]() -> Result<fs::path> {
    const auto folder = cache_directory(cache);
    if (!folder) return std::unexpected(folder.error());
    const auto location = locate(std::string(trim_source(source)));
    if (!location) return std::unexpected(location.error());
    if (!location->url.empty()) return cached_file(*folder, location->url);
    const auto& path = location->path;
    const auto is_in = [&](const fs::path& directory, std::string_view ending) {
      std::error_code error;
      return path.extension() == ending &&
             fs::equivalent(path.has_parent_path() ? path.parent_path() : ".", directory, error);
    };
    if (is_in(cached_file(*folder, "").parent_path(), kModelEnding) || is_in(packed_directory(*folder), ".bin"))
      return path;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' was not downloaded, so it isn't deleted; give the name or URL of a download, or its "
                            "file in the cache",
                            display_source(source)));
  });
}

}  // namespace silhouette
