#pragma once

#include "formats/pte/messages.hpp"
#include "formats/pte/plan.hpp"

namespace silhouette::pte {

/// Verifies a kernel call: that the operator is one of those whose arguments are known here, that their number and
/// kinds are what the runtime's kernel takes without asking, that results go to memory that may be written, and the
/// shapes and parameters that kernels trust. What isn't known is kUnsupportedModel. `messages` name the call.
Status verify_kernel_call(const Plan& plan, const Call& call, const Messages& messages);

}  // namespace silhouette::pte
