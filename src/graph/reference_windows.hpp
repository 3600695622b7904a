#pragma once

#include <span>

#include "graph/graph.hpp"

namespace silhouette::graph {

// Operations that slide a window over an image, for reference.cpp: `result` has the node's result's size; activation is
// left to the caller.

using Operands = std::span<const std::span<const float>>;

void reference_convolution(const Graph& graph, const Node& node, Operands operands, std::span<float> result);
void reference_depthwise_convolution(const Graph& graph, const Node& node, Operands operands, std::span<float> result);
void reference_transpose_convolution(const Graph& graph, const Node& node, Operands operands, std::span<float> result);
void reference_pool(const Graph& graph, const Node& node, Operands operands, std::span<float> result);
void reference_resize(const Graph& graph, const Node& node, Operands operands, std::span<float> result);

}  // namespace silhouette::graph
