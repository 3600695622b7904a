#include "pipeline/shared_workers.hpp"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <utility>

#include "base/processors.hpp"

namespace silhouette {
namespace {

class Shared {
 public:
  std::shared_ptr<WorkerSet> find() {
    // The child of a fork has none of its parent's threads.
    if (process_ != ::getpid()) return nullptr;
    const std::lock_guard lock(mutex_);
    return workers_.lock();
  }

  /// What all shall have: these, or those that another thread came with first.
  std::shared_ptr<WorkerSet> keep(const std::shared_ptr<WorkerSet>& made) {
    const std::lock_guard lock(mutex_);
    if (process_ == ::getpid()) {
      if (auto others = workers_.lock()) return others;
    }
    workers_ = made;
    process_ = ::getpid();
    return made;
  }

  /// Once they are gone nothing of them stays.
  void forget() {
    if (process_ != ::getpid()) return;
    const std::lock_guard lock(mutex_);
    if (workers_.expired()) workers_.reset();
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<WorkerSet> workers_;
  std::atomic<pid_t> process_ = 0;
};

Shared& shared() {
  // Never destroyed: a program's own static objects may hold models.
  static Shared& instance = *new Shared;
  return instance;
}

}  // namespace

std::shared_ptr<WorkerSet> shared_workers() {
  if (auto workers = shared().find()) return workers;
  auto set = WorkerSet::create(available_processors());
  WorkerSet* const address = set.get();
  const std::shared_ptr<WorkerSet> made(address, [set = std::move(set)](WorkerSet* /*address*/) mutable {
    set.reset();
    shared().forget();
  });
  return shared().keep(made);
}

}  // namespace silhouette
