#include "engine/executorch/thread_pool.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

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

// A mutex can't be waited for together with a stop.
struct Queue {
  std::mutex mutex;
  std::condition_variable_any free;
  bool taken = false;
};

// Never destroyed: modules in static variables may unload their models after it would be.
Queue& queue() {
  static Queue& only = *new Queue;
  return only;
}

int pooled_models = 0;  // guarded by ExecutorchTurn

}  // namespace

ExecutorchTurn::ExecutorchTurn() : ExecutorchTurn(*wait({})) {}

std::optional<ExecutorchTurn> ExecutorchTurn::wait(const std::stop_token& stop) {
  Queue& line = queue();
  std::unique_lock lock(line.mutex);
  if (!line.free.wait(lock, stop, [&] { return !line.taken; })) return std::nullopt;
  line.taken = true;
  return ExecutorchTurn(true);
}

ExecutorchTurn::~ExecutorchTurn() {
  if (!held_) return;
  Queue& line = queue();
  {
    const std::lock_guard lock(line.mutex);
    line.taken = false;
  }
  line.free.notify_one();
}

ExecutorchPool::ExecutorchPool(int threads) : pooled_(threads > 1) {
  if (!pooled_) return;
  const ExecutorchTurn turn;
  if (pooled_models++ == 0) {
    if (auto* const pool = ::executorch::extension::threadpool::get_threadpool()) {
      pool->_unsafe_reset_threadpool(static_cast<std::uint32_t>(threads));
    }
  }
}

ExecutorchPool::~ExecutorchPool() {
  if (!pooled_) return;
  const ExecutorchTurn turn;
  --pooled_models;
}

}  // namespace silhouette
