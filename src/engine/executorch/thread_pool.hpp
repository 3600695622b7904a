#pragma once

#include <executorch/extension/threadpool/threadpool_guard.h>

#include <mutex>
#include <optional>

namespace silhouette {

/// Held while anything of ExecuTorch runs: its thread pool belongs to the process and isn't made for sharing.
std::mutex& executorch_mutex() noexcept;

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
