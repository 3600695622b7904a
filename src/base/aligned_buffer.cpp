#include "base/aligned_buffer.hpp"

#include <cstdlib>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "base/checked.hpp"

namespace silhouette {
namespace {

#ifdef __linux__
/// From here on huge pages make new memory cheap; smaller buffers are quicker had from the heap.
constexpr std::size_t kMapped = std::size_t{4} << 20;

bool is_mapped(std::size_t bytes) noexcept {
  return bytes >= kMapped;
}
#endif

}  // namespace

void* allocate_buffer(std::size_t bytes) noexcept {
#ifdef __linux__
  if (is_mapped(bytes)) {
    void* const data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return nullptr;
    // A refusal costs speed only.
    static_cast<void>(::madvise(data, bytes, MADV_HUGEPAGE));
    return data;
  }
#endif
  const auto padded = checked_add(bytes, kBufferAlignment - 1);
  return padded ? std::aligned_alloc(kBufferAlignment, *padded / kBufferAlignment * kBufferAlignment) : nullptr;
}

void free_buffer(void* data, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef __linux__
  if (data != nullptr && is_mapped(bytes)) {
    ::munmap(data, bytes);
    return;
  }
#endif
  std::free(data);
}

}  // namespace silhouette
