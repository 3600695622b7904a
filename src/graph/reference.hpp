#pragma once

#include <span>
#include <vector>

#include "graph/graph.hpp"

namespace silhouette::graph {

// A plain interpreter: what everything faster is compared with. Every operation is written as its definition says, on
// tensors in memory order; sums are made in double precision. It is slow (a few GMAC/s), single-threaded and pure.

/// Runs a graph that verify() accepted. `input` has the values of its input. kInvalidArgument for another number,
/// kLimitExceeded if memory doesn't suffice.
Result<std::vector<float>> evaluate(const Graph& graph, std::span<const float> input);

/// The same for one node alone; `operands` are the values of its inputs.
std::vector<float> evaluate_node(const Graph& graph, const Node& node,
                                 std::span<const std::span<const float>> operands);

/// One value through an activation.
float activate(const Activation& activation, float value) noexcept;

}  // namespace silhouette::graph
