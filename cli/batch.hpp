#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace silhouette::cli {

/// Does numbered jobs on a few threads and hands their results out in order: while one image is in the network, others
/// are decoded and written. Jobs start in order, and only so far ahead that results don't pile up.
template <typename T>
class Batch {
 public:
  /// `work(i)` for i in [0, count), on `threads` threads at most: as many as the system gives. Without any, jobs are
  /// done by whom asks for their results. It must not throw.
  Batch(std::size_t count, std::size_t threads, std::function<T(std::size_t)> work)
      : results_(count), ahead_(4 * threads), work_(std::move(work)) {
    try {
      while (threads_.size() < std::min(threads, count)) threads_.emplace_back([this] { run(); });
    } catch (const std::exception&) {
      // Those that began do the work; they wait for more of it, so they must not be joined here.
      return;
    }
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// Jobs that haven't begun are dropped.
  ~Batch() {
    const std::lock_guard lock(mutex_);
    next_ = results_.size();
    wanted_ = results_.size();
    changed_.notify_all();
  }

  /// The result of job i; each is handed out once, in order. `on_progress(jobs done)` is called on this thread while
  /// it waits.
  T wait_for(std::size_t i, const std::function<void(std::size_t)>& on_progress) {
    if (threads_.empty()) {
      on_progress(i);
      return work_(i);
    }
    std::unique_lock lock(mutex_);
    wanted_ = i;
    changed_.notify_all();
    while (!results_[i]) {
      const std::size_t done = done_;
      changed_.wait(lock, [&] { return results_[i] || done_ != done; });
      const std::size_t now = done_;
      lock.unlock();
      on_progress(now);
      lock.lock();
    }
    return *std::exchange(results_[i], std::nullopt);
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return next_ == results_.size() || next_ < wanted_ + ahead_; });
      if (next_ == results_.size()) return;
      const std::size_t i = next_++;
      lock.unlock();
      T result = work_(i);
      lock.lock();
      results_[i] = std::move(result);
      ++done_;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::optional<T>> results_;
  std::size_t ahead_;
  std::size_t next_ = 0;
  std::size_t wanted_ = 0;
  std::size_t done_ = 0;
  std::function<T(std::size_t)> work_;
  // Last, so that the threads are joined before what they use goes.
  std::vector<std::jthread> threads_;
};

}  // namespace silhouette::cli
