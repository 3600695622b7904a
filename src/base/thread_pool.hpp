#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "base/worker_set.hpp"

namespace silhouette {

/// That anybody may ask for.
inline constexpr int kMostThreads = 256;

/// Up to so many threads of a set for every loop. The caller of `parallel_for` works too, so a pool of 1 needs no other
/// thread. Calls from several threads at once are safe, and loops inside loops; those for which no thread is free run
/// on their caller's.
class ThreadPool {
 public:
  /// `threads` ≥ 1 of the set's, which grows if it must. If there is no thread, or no memory for one, to be had the
  /// pool is smaller.
  ThreadPool(std::shared_ptr<WorkerSet> workers, int threads)
      : workers_(std::move(workers)), size_(workers_->grow(threads)) {}
  /// Of a set of its own.
  explicit ThreadPool(int threads) : ThreadPool(WorkerSet::create(threads), threads) {}

  [[nodiscard]] int size() const noexcept { return size_; }

  using Body = LoopBody;

  /// Calls `body` once for every task in [0, count), in any order and on any thread, with workers' numbers in
  /// [0, size()), and returns when all are done. If it throws, tasks that have not begun are left out, and one of the
  /// exceptions reaches the caller.
  void parallel_for(std::size_t count, const Body& body) {
    if (between_) between_();
    workers_->parallel_for(count, body, size_);
  }

  /// What every loop's caller calls before it. Not while there are loops.
  void call_between(std::function<void()> between) { between_ = std::move(between); }

  /// Whoever runs a network on this pool holds one meanwhile: see WorkerSet.
  using Turn = WorkerSet::Turn;
  Result<Turn> wait_for_turn(const std::stop_token& stop) { return workers_->wait_for_turn(stop); }

 private:
  std::shared_ptr<WorkerSet> workers_;
  int size_;
  std::function<void()> between_;
};

}  // namespace silhouette
