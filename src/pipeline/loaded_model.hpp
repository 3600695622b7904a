#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/thread_pool.hpp"
#include "engine/model_data.hpp"
#include "session/segmenter.hpp"
#include "silhouette/image_segmentation_module.hpp"

namespace silhouette {

/// A model that is ready to segment images. Immutable but for what guards itself.
struct LoadedModel {
  ModelDescription description;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Segmenter> segmenter;  ///< uses the pool

  [[nodiscard]] Engine& engine() const noexcept { return *segmenter->network().engine; }
};

/// A model's file, open.
struct ModelFile {
  std::shared_ptr<const ModelData> data;
  std::string name;  ///< for messages
  const ModelEntry* entry = nullptr;
  std::filesystem::path path;  ///< empty: bytes
  bool cached = false;         ///< the path is that of a download
};

/// Finds the source's file, downloading it if need be, and checks its SHA-256 if the caller gave one.
Result<ModelFile> open_model(ModelSource source, const LoadOptions& options,
                             const std::function<void(double)>& progress);

/// Finds the source's file (downloading it if need be), verifies it, decides normalisation and labels, and makes the
/// engine.
Result<std::shared_ptr<LoadedModel>> load_model(ModelSource source, const LoadOptions& options,
                                                const std::function<void(double)>& progress);

}  // namespace silhouette
