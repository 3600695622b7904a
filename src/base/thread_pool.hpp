#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace silhouette {

/// Threads that wait for loops to share out: awake for some microseconds, since a network's run is many loops in a row,
/// then asleep. The caller of `parallel_for` works too, so a pool of 1 has no thread of its own. Calls from several
/// threads at once are safe: one gets the workers, the others run their loop alone.
class ThreadPool {
 public:
  /// `threads` ≥ 1 in all. If the system refuses a thread the pool is smaller.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int size() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Calls `body(i)` once for every i in [0, count), in any order and on any thread, and returns when all are done.
  /// `body` must not throw.
  void parallel_for(std::size_t count, const std::function<void(std::size_t)>& body);

 private:
  struct Job;
  void work();
  bool wait_for_job();
  static void run(Job& job);

  std::atomic_flag busy_;
  std::atomic<Job*> job_ = nullptr;
  /// Workers that may be looking at a job. Raised before job_ is read, so that who clears job_ and then finds nobody
  /// active may destroy the job.
  std::atomic<int> active_ = 0;
  std::atomic<int> sleepers_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace silhouette
