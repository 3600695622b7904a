#pragma once

#include "kernels/kernels.hpp"

namespace silhouette::kernels {

// Each in the file of its name, which is compiled for these instructions and must not run where they aren't.
extern const Kernels kPortableKernels;
#ifdef __x86_64__
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;
#endif
// Of a test's own library.
extern const Kernels kAvx512ForAnyMachine;
extern const Kernels kWasmForAnyMachine;

}  // namespace silhouette::kernels
