#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

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
/// never fall, on the calling thread; it must not throw.
SILHOUETTE_API Result<std::string> fetch_model(const std::string& source, const std::string& cache_directory = {},
                                               const std::function<void(double fraction)>& progress = {},
                                               std::stop_token stop = {});

/// Deletes a model's download. True if there was one. kInvalidArgument for what is no download: the embedded model and
/// paths.
SILHOUETTE_API Result<bool> remove_model(const std::string& source, const std::string& cache_directory = {});

}  // namespace silhouette
