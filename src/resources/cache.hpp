#pragma once

#include <string>
#include <vector>

#include "silhouette/error.hpp"
#include "silhouette/model_cache.hpp"

namespace silhouette::cache {

// What the functions of silhouette/model_cache.hpp do, which guard them. `folder` as there; kInvalidArgument if there
// is no place for a cache, kIoError.

Result<std::vector<CachedModel>> list(const std::string& folder);
Result<std::vector<CachedModel>> prune(const PruneOptions& options, const std::string& folder);
Result<bool> remove(const std::string& source, const std::string& folder);

}  // namespace silhouette::cache
