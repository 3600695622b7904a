#include "kernels/isa.hpp"

#include "base/instruction_set.hpp"

namespace silhouette::kernels {
namespace {

const Kernels& kernels_of(InstructionSet set) noexcept {
  switch (set) {
#ifdef __x86_64__
    case InstructionSet::kAvx512: return kAvx512Kernels;
    case InstructionSet::kAvx2: return kAvx2Kernels;
#endif
    default: return kPortableKernels;
  }
}

}  // namespace

KernelList available_kernels() noexcept {
  KernelList list;
  for (const InstructionSet set : available_instruction_sets()) list.items[list.size++] = &kernels_of(set);
  return list;
}

const Kernels& best_kernels() noexcept {
  return kernels_of(best_instruction_set());
}

}  // namespace silhouette::kernels
