#pragma once

#include <string>
#include <vector>

#include "command.hpp"

namespace silhouette::cli {

/// Adds "cache" and its commands to "models".
void add_cache(Arguments& models);

/// Deletes the downloads of models, saying for each whether there was one. One that fails is reported and the rest are
/// done.
int remove_models(const std::vector<std::string>& names, const std::string& cache, Context& context);

}  // namespace silhouette::cli
