#include "base/thread_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>

namespace silhouette {
namespace {

/// How long a worker stays awake for the next loop: longer than what lies between two layers of a network, short enough
/// that nobody minds.
constexpr std::chrono::microseconds kAwake{60};
constexpr int kPausesBetweenLooks = 32;
/// What a thread takes at once is this part of its share of what is left: many small items cost little to hand out, and
/// are next to each other; of few large ones no thread has one too many.
constexpr std::size_t kPartOfShare = 4;

void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

struct ThreadPool::Job {
  std::size_t count;
  std::size_t threads;
  const Body* body;
  std::atomic<std::size_t> next{0};
  std::atomic_flag failed;
  std::exception_ptr error;  ///< the first body's that threw
};

ThreadPool::ThreadPool(int threads) {
  if (threads <= 1) return;
  const auto workers = static_cast<std::size_t>(threads) - 1;
  // While none runs: a vector that grew could fail, and end threads that nobody has joined.
  workers_.reserve(workers);
  try {
    while (workers_.size() < workers) {
      workers_.emplace_back([this, worker = workers_.size() + 1] { work(worker); });
    }
  } catch (const std::exception&) {
    // Fewer will do: no thread (std::system_error), or no memory for one, is to be had.
    return;
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

void ThreadPool::run(Job& job, std::size_t worker) noexcept {
  std::size_t begin = job.next.load(std::memory_order_relaxed);
  while (begin < job.count) {
    const std::size_t end = begin + std::max<std::size_t>(1, (job.count - begin) / (kPartOfShare * job.threads));
    if (!job.next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
    try {
      for (std::size_t i = begin; i < end; ++i) (*job.body)(i, worker);
    } catch (...) {
      if (!job.failed.test_and_set()) job.error = std::current_exception();
      job.next.store(job.count, std::memory_order_relaxed);
    }
    begin = job.next.load(std::memory_order_relaxed);
  }
}

bool ThreadPool::wait_for_job() {
  const auto until = std::chrono::steady_clock::now() + kAwake;
  do {
    for (int i = 0; i < kPausesBetweenLooks; ++i) {
      if (job_.load() != nullptr) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < until && !stopping_);
  std::unique_lock lock(mutex_);
  ++sleepers_;
  wake_.wait(lock, [this] { return stopping_ || job_.load() != nullptr; });
  --sleepers_;
  return !stopping_;
}

void ThreadPool::work(std::size_t worker) {
  while (wait_for_job()) {
    ++active_;
    Job* const job = job_.load();
    if (job != nullptr) {
      run(*job, worker);
      // Nothing is left to hand out: the others needn't look.
      Job* mine = job;
      job_.compare_exchange_strong(mine, nullptr);
    }
    --active_;
  }
}

void ThreadPool::parallel_for(std::size_t count, const Body& body) {
  Job job{.count = count, .threads = workers_.size() + 1, .body = &body, .next = 0, .failed = {}, .error = {}};
  // A flag, not a mutex: a loop inside a loop asks for it on the thread that holds it.
  if (workers_.empty() || count < 2 || busy_.test_and_set(std::memory_order_acquire)) {
    run(job, 0);
    if (job.error) std::rethrow_exception(job.error);
    return;
  }
  job_ = &job;
  if (sleepers_ > 0) {
    // Whoever is about to sleep holds the mutex until it does.
    {
      const std::lock_guard lock(mutex_);
    }
    wake_.notify_all();
  }
  run(job, 0);
  // The queue is empty now; a worker may still be inside its last item, and none may pick the job up any more.
  job_ = nullptr;
  for (int looks = 0; active_ > 0; ++looks) {
    if (looks < 2000) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  busy_.clear(std::memory_order_release);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace silhouette
