#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "silhouette/download_patience.hpp"
#include "silhouette/error.hpp"
#include "silhouette/export.hpp"

namespace silhouette {

/// A model known by name, and whether its file is on this machine.
struct ModelStatus {
  std::string name;
  std::string url;          ///< empty for the embedded model
  bool available = false;   ///< usable without a download
  std::string path;         ///< of the file; empty if not available
  std::uint64_t bytes = 0;  ///< of the file; 0 if not available
};

// In all of these `cache_directory` means what it means in LoadOptions, and `source` what it means in ModelSource: a
// name, path, file URI or URL. All are thread-safe.

/// The models of `registered_models()` in the same order, each with its state. Touches no network.
[[nodiscard]] SILHOUETTE_API Result<std::vector<ModelStatus>> list_models(const std::string& cache_directory = {});

/// The file that `load` would read. Touches no network: kFileNotFound if the model would have to be downloaded.
[[nodiscard]] SILHOUETTE_API Result<std::string> model_path(const std::string& source,
                                                            const std::string& cache_directory = {});

/// Downloads a model unless it is here already, and returns its file. `progress` is told fractions from 0 to 1 that
/// never fall, on the calling thread; it must not throw. A download that isn't whole is never kept, and one that was
/// damaged since is downloaded anew.
SILHOUETTE_API Result<std::string> fetch_model(const std::string& source, const std::string& cache_directory = {},
                                               const std::function<void(double fraction)>& progress = {},
                                               std::stop_token stop = {}, const DownloadPatience& patience = {});

/// Deletes a model's download, whole or unfinished. True if there was a whole one. `source` may also be the path of a
/// file in the cache. kInvalidArgument for what is no download: the embedded model and other paths. kIoError while it
/// is being downloaded.
SILHOUETTE_API Result<bool> remove_model(const std::string& source, const std::string& cache_directory = {});

/// A file that the cache keeps: a download, or weights that were packed for the native engine.
struct CachedModel {
  std::string path;         ///< of the file that it is, or will be
  std::string name;         ///< of the registered model whose download it is; otherwise empty
  std::uint64_t bytes = 0;  ///< that are there
  bool complete = true;     ///< false for an interrupted download, or one that is under way
  bool packed = false;      ///< packed weights (LoadOptions::keep_packed_weights); packed anew when they are gone
  std::chrono::system_clock::time_point last_used{};  ///< loaded or downloaded
};

/// All that the cache keeps, by path. The bytes together are the cache's size.
[[nodiscard]] SILHOUETTE_API Result<std::vector<CachedModel>> list_cached_models(
    const std::string& cache_directory = {});

/// What to keep when a cache is pruned.
struct PruneOptions {
  std::optional<std::uint64_t> max_bytes;       ///< whole files, those used last first, as long as they fit
  std::optional<std::chrono::seconds> max_age;  ///< whole files that were used within this time
};

/// Deletes interrupted downloads, and whole files that `options` don't keep; never a download that is under way. A
/// model that is loaded stays usable. Returns what was deleted.
SILHOUETTE_API Result<std::vector<CachedModel>> prune_cached_models(const PruneOptions& options = {},
                                                                    const std::string& cache_directory = {});

}  // namespace silhouette
