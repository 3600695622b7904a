#include "engine/executorch/thread_pool.hpp"

#include <cstddef>
#include <cstdint>

// The pinned wheel's thread pool library exports this class, but the wheel doesn't carry the header that declares it.
namespace executorch::extension::threadpool {
class ThreadPool {
 public:
  bool _unsafe_reset_threadpool(std::uint32_t threads);
};
ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool

namespace silhouette {
namespace {
int pooled_models = 0;  // guarded by executorch_mutex()
}

std::mutex& executorch_mutex() noexcept {
  static std::mutex mutex;
  return mutex;
}

ExecutorchPool::ExecutorchPool(int threads) : pooled_(threads > 1) {
  if (!pooled_) return;
  const std::lock_guard lock(executorch_mutex());
  if (pooled_models++ == 0) {
    if (auto* const pool = ::executorch::extension::threadpool::get_threadpool()) {
      pool->_unsafe_reset_threadpool(static_cast<std::uint32_t>(threads));
    }
  }
}

ExecutorchPool::~ExecutorchPool() {
  if (!pooled_) return;
  const std::lock_guard lock(executorch_mutex());
  --pooled_models;
}

}  // namespace silhouette
