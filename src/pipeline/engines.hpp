#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/thread_pool.hpp"
#include "engine/engine.hpp"
#include "engine/model_data.hpp"
#include "formats/model.hpp"
#include "silhouette/image_segmentation_module.hpp"

namespace silhouette {

/// A model whose file has been verified, about to be loaded.
struct EngineRequest {
  std::shared_ptr<const ModelData> data;
  formats::Model model;        ///< with a contract
  std::string_view name;       ///< in messages
  std::filesystem::path file;  ///< where the data come from, or empty: bytes
  int threads = 1;
};

/// An engine, and why this one.
struct ChosenEngine {
  std::unique_ptr<Engine> engine;
  std::string reason;
};

/// Makes the engine that `options` ask for, or the best of those that know the model. The native one shares `pool`.
Result<ChosenEngine> make_engine(EngineRequest request, const LoadOptions& options, ThreadPool& pool);

}  // namespace silhouette
