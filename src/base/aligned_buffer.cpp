#include "base/aligned_buffer.hpp"

#include <sys/mman.h>

#include <cstdint>

namespace silhouette {

void prefer_large_pages([[maybe_unused]] void* address, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef MADV_HUGEPAGE
  constexpr std::uintptr_t kLargePage = std::uintptr_t{2} << 20;
  const auto begin = reinterpret_cast<std::uintptr_t>(address);
  const std::uintptr_t first = (begin + kLargePage - 1) / kLargePage * kLargePage;
  const std::uintptr_t last = (begin + bytes) / kLargePage * kLargePage;
  // Advice: where it isn't taken nothing changes. Small blocks come from memory that others share.
  if (last >= first + kLargePage) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);  // NOLINT
#endif
}

}  // namespace silhouette
