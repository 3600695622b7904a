#pragma once

#include <cstdint>

#include "formats/pte/xnnpack.hpp"

namespace silhouette::pte::xnnpack {

/// Verifies one node alone: number and types of its operands, its parameters, and that its result has the shape that
/// follows from them. All indices must be in range. `messages` name the node.
Status verify_node(const Graph& graph, const Node& node, const Messages& messages);

/// What running one node takes.
struct NodeCost {
  std::uint64_t multiply_adds = 0;
  std::uint64_t packed_bytes = 0;       ///< of its weights in the runtime's blocked layout, rounded up generously
  std::uint64_t indirection_bytes = 0;  ///< of the table of addresses that a sliding window is read through
};
NodeCost node_cost(const Graph& graph, const Node& node) noexcept;

}  // namespace silhouette::pte::xnnpack
