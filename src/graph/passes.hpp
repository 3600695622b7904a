#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "graph/graph.hpp"

namespace silhouette::graph {

/// An exact rewrite: the network computes the same function before and after (but for rounding where a pass says so).
struct Pass {
  std::string_view name;  ///< "fuse-activation"
  /// Rewrites as long as it finds something; whether it did.
  bool (*run)(Graph& graph);
};

/// All passes, in the order in which they are run.
std::span<const Pass> passes() noexcept;

/// Runs all passes, again and again until none finds anything. `after` is told of each that did.
void optimize(Graph& graph, const std::function<void(const Pass&, const Graph&)>& after = {});

}  // namespace silhouette::graph
