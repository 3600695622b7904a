#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/thread_pool.hpp"
#include "engine/engine.hpp"
#include "engine/model_data.hpp"
#include "graph/graph.hpp"
#include "silhouette/image_segmentation_module.hpp"

namespace silhouette {

/// A model whose file has been verified, about to be loaded.
struct EngineRequest {
  std::shared_ptr<const ModelData> data;
  Result<graph::Graph> network;  ///< or why it can't be read as one
  NetworkShape shape;
  std::string_view name;       ///< in messages
  std::filesystem::path file;  ///< where the data come from, or empty: bytes
  int threads = 1;
  /// What of the data an engine that gives back the rest must keep, by first byte and length.
  std::vector<std::pair<std::size_t, std::size_t>> kept;
  std::string_view only_native;  ///< why no other engine may run it, or empty
};

/// An engine, and why this one.
struct ChosenEngine {
  std::unique_ptr<Engine> engine;
  std::string reason;
};

/// Makes the engine that `options` ask for, or the best of those that know the model. The native one shares `pool`.
Result<ChosenEngine> make_engine(EngineRequest request, const LoadOptions& options, ThreadPool& pool);

}  // namespace silhouette
