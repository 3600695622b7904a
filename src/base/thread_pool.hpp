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
  /// `threads` ≥ 1 in all. If there is no thread, or no memory for one, to be had the pool is smaller.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int size() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// What a loop calls: with the number of a task, and the number in [0, size()) of who does it. No two calls of one
  /// loop that run at once have the same of the latter, so that what a worker needs can be made before, one of it each.
  using Body = std::function<void(std::size_t task, std::size_t worker)>;

  /// Calls `body` once for every task in [0, count), in any order and on any thread, and returns when all are done.
  /// If it throws, tasks that have not begun are left out, and one of the exceptions reaches the caller.
  void parallel_for(std::size_t count, const Body& body);

 private:
  struct Job;
  void work(std::size_t worker);
  bool wait_for_job();
  static void run(Job& job, std::size_t worker) noexcept;

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
