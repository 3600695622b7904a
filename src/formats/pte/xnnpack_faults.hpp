#pragma once

#include <string_view>

#include "formats/pte/xnnpack.hpp"

namespace silhouette::pte::xnnpack {

/// What XNNPACK itself does wrong with this sound graph, as a sentence about XNNPACK, or nothing. Each has been seen
/// with the version that is built in.
std::string_view fault_of_xnnpack(const Graph& graph);

}  // namespace silhouette::pte::xnnpack
