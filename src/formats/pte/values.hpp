#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/pte/plan.hpp"

namespace silhouette::pte {

/// Reads and verifies a method's values. `planned` are the sizes of its planned buffers, memory id 1 first.
Result<std::vector<Value>> read_values(const executorch_flatbuffer::ExecutionPlan& table,
                                       std::span<const std::uint64_t> planned, const Container& container,
                                       const Messages& messages);

}  // namespace silhouette::pte
