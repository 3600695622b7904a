#include "pipeline/shared_workers.hpp"

#include <unistd.h>

#include <mutex>

#include "base/processors.hpp"

namespace silhouette {
namespace {

/// What everybody's pointer keeps. It is its own weak pointer: one that lay here would keep a piece of memory when the
/// last model is gone.
struct Shared : std::enable_shared_from_this<Shared> {
  std::shared_ptr<WorkerSet> workers;
  pid_t process = ::getpid();
};

/// Taken again by a fresh pointer that finds no memory, and ends what it was given.
std::recursive_mutex mutex;
Shared* current = nullptr;

void end(Shared* ending) {
  {
    const std::lock_guard lock(mutex);
    if (current == ending) current = nullptr;
  }
  delete ending;
}

}  // namespace

std::shared_ptr<WorkerSet> shared_workers() {
  const std::lock_guard lock(mutex);
  // Who has given it back for the last time waits for this lock.
  auto shared = current == nullptr ? nullptr : current->weak_from_this().lock();
  // The child of a fork has none of its parent's threads.
  if (!shared || shared->process != ::getpid()) {
    auto fresh = std::make_unique<Shared>();
    fresh->workers = WorkerSet::create(available_processors());
    shared = std::shared_ptr<Shared>(fresh.release(), end);
    current = shared.get();
  }
  return {shared, shared->workers.get()};
}

}  // namespace silhouette
