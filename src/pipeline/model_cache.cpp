#include "silhouette/model_cache.hpp"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/guard.hpp"
#include "formats/model.hpp"
#include "resources/cache.hpp"
#include "resources/models.hpp"
#include "silhouette/models.hpp"

namespace silhouette {

Result<std::vector<ModelStatus>> list_models(const std::string& cache_directory) {
  return guarded([&]() -> Result<std::vector<ModelStatus>> {
    std::vector<ModelStatus> models;
    for (const ModelEntry& entry : registered_models()) {
      ModelStatus status;
      status.name = entry.name;
      status.url = entry.url;
      auto local = find_local_model(status.name, cache_directory, formats::check_whole);
      if (local) {
        std::error_code error;
        const auto bytes = std::filesystem::file_size(local->path, error);
        status.available = true;
        status.path = local->path.string();
        status.bytes = error ? 0 : bytes;
      } else if (local.error().code != ErrorCode::kFileNotFound) {
        return std::unexpected(std::move(local.error()));
      }
      models.push_back(std::move(status));
    }
    return models;
  });
}

Result<std::string> model_path(const std::string& source, const std::string& cache_directory) {
  return guarded([&]() -> Result<std::string> {
    auto local = find_local_model(source, cache_directory, formats::check_whole);
    if (!local) return std::unexpected(std::move(local.error()));
    return local->path.string();
  });
}

Result<std::string> fetch_model(const std::string& source, const std::string& cache_directory,
                                const std::function<void(double)>& progress, std::stop_token stop,
                                const DownloadPatience& patience) {
  return guarded([&]() -> Result<std::string> {
    auto local = resolve_model(source, cache_directory, progress ? progress : [](double) {}, std::move(stop),
                               {.sha256 = {}, .check = formats::check_whole, .limits = model_limits(patience)});
    if (!local) return std::unexpected(std::move(local.error()));
    return local->path.string();
  });
}

Result<bool> remove_model(const std::string& source, const std::string& cache_directory) {
  return guarded([&] { return cache::remove(source, cache_directory); });
}

Result<std::vector<CachedModel>> list_cached_models(const std::string& cache_directory) {
  return guarded([&] { return cache::list(cache_directory); });
}

Result<std::vector<CachedModel>> prune_cached_models(const PruneOptions& options, const std::string& cache_directory) {
  return guarded([&] { return cache::prune(options, cache_directory); });
}

}  // namespace silhouette
