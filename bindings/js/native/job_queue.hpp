#pragma once

#include <napi.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "silhouette/error.hpp"

namespace silhouette::node {

/// Makes a job's JavaScript result. Called on the environment's thread.
using MakeValue = std::function<Napi::Value(Napi::Env)>;

/// What a job may use while it runs.
struct JobContext {
  std::stop_token stop;
  std::function<void(double fraction)> report_progress;
};

/// A job's work, on a thread of the queue: plain data only, nothing of JavaScript.
using Work = std::move_only_function<Result<MakeValue>(const JobContext&)>;

/// Runs jobs of one JavaScript environment on threads of its own, so that the pool that node uses for files and names
/// is never held up by inference, and hands what they made to one JavaScript function on the environment's thread:
/// `dispatch(id, kind, value, message)`, see `EventKind`. Members are called on the environment's thread unless said
/// otherwise.
class JobQueue {
 public:
  enum class EventKind : std::uint32_t {
    kProgress = 0,  ///< value: fraction
    kDone = 1,      ///< value: the result
    kFailed = 2,    ///< value: the error code's name; message: its text
  };

  JobQueue(Napi::Env env, Napi::Function dispatch);
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;
  ~JobQueue();

  /// Starts a job and returns its number, by which `dispatch` will tell of it. The environment stays alive till then.
  std::uint32_t start(Work work);

  /// Runs something that nobody waits for: what frees a model. On the calling thread if the queue is shut down.
  void run_unobserved(std::move_only_function<void()> work);

  /// Asks a job to stop; it still ends with an event. Unknown numbers are ignored.
  void cancel(std::uint32_t id);

  /// Stops all jobs, waits for the threads and tells nobody: what an environment that ends needs. Idempotent.
  void shut_down() noexcept;

 private:
  struct Job {
    std::uint32_t id = 0;
    Work work;
    std::stop_source stop;
    // The rest is guarded by the queue's mutex.
    std::optional<double> progress;
    std::optional<Result<MakeValue>> outcome;
    bool announced = false;
    std::shared_ptr<Job> next_announced;
  };
  struct Call {
    static void on_environment_thread(Napi::Env env, Napi::Function dispatch, JobQueue* queue, void* data);
  };
  using Wake = Napi::TypedThreadSafeFunction<JobQueue, void, &Call::on_environment_thread>;

  static constexpr std::size_t kMaxThreads = 16;

  /// False if there is no thread for it and never will be.
  bool enqueue(const std::shared_ptr<Job>& job);
  void work();
  /// Runs a job's work; whatever that does, there is an outcome.
  static Result<MakeValue> outcome_of(Job& job, const JobContext& context) noexcept;
  /// Lets `deliver` look at a job. The mutex is held. Takes no memory: it is also how the lack of it is told.
  void announce(const std::shared_ptr<Job>& job) noexcept;
  void deliver(Napi::Env env, Napi::Function dispatch);
  void forget(Napi::Env env, std::uint32_t id);

  Napi::Env env_;
  Wake wake_;
  std::uint32_t next_id_ = 1;
  std::map<std::uint32_t, std::shared_ptr<Job>> observed_;

  std::mutex mutex_;
  std::condition_variable available_;
  std::deque<std::shared_ptr<Job>> waiting_;
  std::shared_ptr<Job> first_announced_;
  Job* last_announced_ = nullptr;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool woken_ = false;
  bool stopping_ = false;
};

}  // namespace silhouette::node
