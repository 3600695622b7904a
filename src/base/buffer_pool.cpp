#include "base/buffer_pool.hpp"

namespace silhouette {

Result<BufferPool::Buffer> BufferPool::take(std::size_t count, const char* what) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& spare : spare_) {
      if (!spare.empty() && spare.size() == count) return Buffer(std::move(spare), shared_from_this());
    }
  }
  auto values = AlignedBuffer<float>::create(count, what);
  if (!values) return std::unexpected(std::move(values.error()));
  return Buffer(std::move(*values), shared_from_this());
}

void BufferPool::give_back(AlignedBuffer<float> buffer) noexcept {
  if (buffer.empty()) return;
  const std::lock_guard lock(mutex_);
  for (auto& spare : spare_) {
    if (spare.empty()) {
      spare = std::move(buffer);
      return;
    }
  }
  // What is returned last is what will be wanted next; the rest is freed.
  std::swap(spare_[0], buffer);
}

}  // namespace silhouette
