#include "kernels/isa.hpp"

#include <cstdlib>
#include <string_view>

namespace silhouette::kernels {

KernelList available_kernels() noexcept {
  KernelList list;
#ifdef __x86_64__
  // The compiler's run-time library also asks whether the system saves the registers.
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw")) {
    list.items[list.size++] = &kAvx512Kernels;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) list.items[list.size++] = &kAvx2Kernels;
#endif
  list.items[list.size++] = &kPortableKernels;
  return list;
}

const Kernels& best_kernels() noexcept {
  static const Kernels& chosen = [] -> const Kernels& {
    const KernelList list = available_kernels();
    if (const char* const wanted = std::getenv("SILHOUETTE_ISA"); wanted != nullptr) {
      for (const Kernels* const kernels : list) {
        if (std::string_view(kernels->name) == wanted) return *kernels;
      }
    }
    return *list.items[0];
  }();
  return chosen;
}

}  // namespace silhouette::kernels
