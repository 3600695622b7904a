#pragma once

#include <cstdint>
#include <vector>

#include "formats/pte/messages.hpp"
#include "formats/pte/plan.hpp"

namespace silhouette::pte {

/// What ties a kernel's result to its arguments. Kernels check more at run time; this is what keeps them in bounds and
/// out of arithmetic traps and assertions whatever they check.
enum class KernelRule : std::uint8_t {
  kSame,         ///< shaped as the first tensor
  kBroadcast,    ///< as the first two tensors together
  kView,         ///< the same elements in the shape of the list
  kSqueeze,      ///< the same elements; the list or number names dimensions
  kPermute,      ///< dimensions in the order of the list
  kExpand,       ///< the first tensor repeated to the shape of the list
  kDimOrder,     ///< shaped as the first tensor, dimension order in the second list
  kConcatenate,  ///< the tensors of a list along a dimension
  kConvolution,
  kPool,
  kAdaptivePool,
  kResize,
  kReduce,   ///< along the dimensions in a list or number, or all
  kSoftmax,  ///< shaped as the first tensor, along a dimension
  kBatchNorm,
  kLinear,
  kQuantize,
};

/// A kernel call whose arguments have the right number and kinds.
struct KernelArguments {
  std::vector<const Value*> all;
  std::vector<const Tensor*> inputs;   ///< at least 1; absent optional ones left out
  std::vector<const Tensor*> results;  ///< at least 1
};

/// Verifies shapes and parameters of a call. `messages` name it.
Status verify_kernel_shapes(KernelRule rule, const KernelArguments& arguments, const Messages& messages);

}  // namespace silhouette::pte
