#pragma once

#include <executorch/extension/threadpool/threadpool_guard.h>

#include <optional>
#include <stop_token>
#include <utility>

namespace silhouette {

/// Held while anything of ExecuTorch runs: its thread pool belongs to the process and isn't made for sharing.
class ExecutorchTurn {
 public:
  /// Waits for the turn.
  ExecutorchTurn();

  /// The same, or nothing if a stop is asked for first.
  static std::optional<ExecutorchTurn> wait(const std::stop_token& stop);

  ExecutorchTurn(ExecutorchTurn&& other) noexcept : held_(std::exchange(other.held_, false)) {}
  ExecutorchTurn(const ExecutorchTurn&) = delete;
  ExecutorchTurn& operator=(const ExecutorchTurn&) = delete;
  ExecutorchTurn& operator=(ExecutorchTurn&&) = delete;
  ~ExecutorchTurn();

 private:
  explicit ExecutorchTurn(bool held) : held_(held) {}

  bool held_;
};

/// One model's claim on ExecuTorch's thread pool.
class ExecutorchPool {
 public:
  /// Resizes the pool to `threads` if no other model has a claim on it: a loaded model keeps a pointer into it, which
  /// resizing would leave dangling. A claim of 1 thread doesn't touch the pool.
  explicit ExecutorchPool(int threads);
  ~ExecutorchPool();
  ExecutorchPool(const ExecutorchPool&) = delete;
  ExecutorchPool& operator=(const ExecutorchPool&) = delete;

  /// Loading and running happen within a scope; with a claim of 1 thread it keeps this thread's work off the pool.
  class Scope {
   public:
    explicit Scope(const ExecutorchPool& pool) {
      if (!pool.pooled_) guard_.emplace();
    }

   private:
    std::optional<::executorch::extension::threadpool::NoThreadPoolGuard> guard_;
  };

 private:
  bool pooled_;
};

}  // namespace silhouette
