#pragma once

#include <cstddef>

#include "graph/rewriter.hpp"

namespace silhouette::graph {

/// If node `index` transposes what a transpose makes, makes one of the two, or none if they cancel. The node may be
/// gone afterwards.
void join_transpose(Rewriter& rewriter, std::size_t index);

}  // namespace silhouette::graph
