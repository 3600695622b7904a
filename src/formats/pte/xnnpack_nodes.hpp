#pragma once

#include <cstdint>
#include <vector>

#include "formats/pte/xnnpack.hpp"

namespace fb_xnnpack {
struct XNode;
}

namespace silhouette::pte::xnnpack {

/// Decodes one node. Its operands stay ids of the payload, still to be resolved and verified; an absent bias is left
/// out. `messages` name the node.
Outcome<Node> read_node(const fb_xnnpack::XNode& table, const Messages& messages);

}  // namespace silhouette::pte::xnnpack
