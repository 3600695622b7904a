#include "pipeline/shared_workers.hpp"

#include <unistd.h>

#include <mutex>

#include "base/processors.hpp"

namespace silhouette {

std::shared_ptr<WorkerSet> shared_workers() {
  static std::mutex mutex;
  static std::weak_ptr<WorkerSet> shared;
  static pid_t process = 0;
  const std::lock_guard lock(mutex);
  auto workers = shared.lock();
  // The child of a fork has none of its parent's threads.
  if (!workers || process != ::getpid()) {
    workers = WorkerSet::create(available_processors());
    shared = workers;
    process = ::getpid();
  }
  return workers;
}

}  // namespace silhouette
