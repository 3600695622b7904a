#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "silhouette/error.hpp"
#include "silhouette/models.hpp"

namespace silhouette {

/// A model file may have this many bytes at most.
inline constexpr std::uint64_t kMaxModelBytes = 4ULL << 30;

/// A model on this machine.
struct LocalModel {
  std::filesystem::path path;
  const ModelEntry* entry = nullptr;  ///< where the source was a name, or the URL of one
};

/// Where downloads are kept: `chosen` if not empty, else $SILHOUETTE_CACHE, $XDG_CACHE_HOME/silhouette,
/// ~/.cache/silhouette.
Result<std::filesystem::path> cache_directory(const std::string& chosen);

/// The file in which a URL's download is kept: readable name plus a hash of the URL.
std::filesystem::path cached_file(const std::filesystem::path& cache, const std::string& url);

/// Folders searched for the embedded model, in this order: $SILHOUETTE_MODELS, relative to the library and the
/// executable, the build tree, the install prefix.
std::vector<std::filesystem::path> model_directories();

/// Name, path, file URI or URL → a file here, downloading it unless it is in the cache already (then no network is
/// touched). `progress`: fractions that never fall, the last one 1. Errors as `read_source`; an unknown name lists the
/// known ones.
Result<LocalModel> resolve_model(const std::string& source, const std::string& cache,
                                 const std::function<void(double)>& progress, std::stop_token stop);

/// A file in the cache.
struct CachedModel {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

/// Whether a model's file is here without a download, and where. kFileNotFound if it would have to be downloaded.
Result<LocalModel> find_local_model(const std::string& source, const std::string& cache);

/// Deletes a model's download. True if there was one. kInvalidArgument for the embedded model and paths.
Result<bool> remove_cached_model(const std::string& source, const std::string& cache);

}  // namespace silhouette
