#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "silhouette/error.hpp"
#include "silhouette/export.hpp"
#include "silhouette/image_segmentation_module.hpp"
#include "silhouette/models.hpp"

namespace silhouette {

/// The steps of a network, for people: "%3 = convolution 3x3 pad 1 (%0 [1, 8, 6, 4], …) -> [1, 8, 6, 6], relu, 8.45 k
/// multiply-adds". The wording may change between versions.
struct NetworkListing {
  std::vector<std::string> steps;            ///< as the file has them
  std::vector<std::string> rewritten_steps;  ///< as the native engine runs them
  std::vector<std::string> passes;  ///< the rewrites that found something, in the order in which they first did
  std::int64_t multiply_adds = 0;   ///< of convolutions and fully connected layers, outside padding
  std::int64_t rewritten_multiply_adds = 0;
};

/// Lists a network's steps before and after the exact rewrites that the native engine makes. Of `options`, those count
/// that find the file: cache_directory, sha256 and stop. kUnsupportedModel names the operator that the native engine
/// hasn't; else as `ImageSegmentationModule::load`. Thread-safe.
SILHOUETTE_API Result<NetworkListing> list_network(ModelSource source, const LoadOptions& options = {});

}  // namespace silhouette
