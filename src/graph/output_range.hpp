#pragma once

#include "graph/graph.hpp"

namespace silhouette::graph {

/// What is known of a network's results from the operators that make them.
enum class OutputRange : std::uint8_t {
  kUnknown,
  kUnbounded,  ///< weighted sums: nothing holds them between 0 and 1
  kUnit,       ///< each is between 0 and 1: a sigmoid
};

/// Looks at the last operators, past those that only move or interpolate values. For a graph that `verify` accepts.
OutputRange output_range(const Graph& graph);

}  // namespace silhouette::graph
