#include "base/aligned_buffer.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstdint>

namespace silhouette {

void advise_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef __linux__
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  if (bytes < 2 * kHugePage) return;
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t begin = (address + kHugePage - 1) / kHugePage * kHugePage;
  const std::uintptr_t end = (address + bytes) / kHugePage * kHugePage;
  // A refusal costs speed only.
  static_cast<void>(::madvise(static_cast<char*>(data) + (begin - address), end - begin, MADV_HUGEPAGE));
#endif
}

}  // namespace silhouette
