#include "base/thread_pool.hpp"

#include <atomic>
#include <system_error>

namespace silhouette {

struct ThreadPool::Job {
  std::size_t count;
  const std::function<void(std::size_t)>* body;
  std::atomic<std::size_t> next{0};
};

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; ++i) {
    try {
      workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      break;
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::run(Job& job) {
  for (std::size_t i = job.next.fetch_add(1, std::memory_order_relaxed); i < job.count;
       i = job.next.fetch_add(1, std::memory_order_relaxed)) {
    (*job.body)(i);
  }
}

void ThreadPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || job_ != nullptr; });
    if (stopping_) return;
    Job* const job = job_;
    ++active_;
    lock.unlock();
    run(*job);
    lock.lock();
    if (job_ == job) job_ = nullptr;
    if (--active_ == 0) idle_.notify_all();
  }
}

void ThreadPool::parallel_for(std::size_t count, const std::function<void(std::size_t)>& body) {
  Job job{count, &body, {}};
  // A flag, not a mutex: a loop inside a loop asks for it on the thread that holds it.
  if (workers_.empty() || count < 2 || busy_.test_and_set(std::memory_order_acquire)) {
    run(job);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    job_ = &job;
  }
  wake_.notify_all();
  run(job);
  // The queue is empty now; a worker may still be inside its last item, and none may pick the job up any more.
  std::unique_lock lock(mutex_);
  job_ = nullptr;
  idle_.wait(lock, [this] { return active_ == 0; });
  busy_.clear(std::memory_order_release);
}

}  // namespace silhouette
