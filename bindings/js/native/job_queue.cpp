#include "job_queue.hpp"

#include <exception>
#include <new>
#include <string>
#include <utility>

namespace silhouette::node {

JobQueue::JobQueue(Napi::Env env, Napi::Function dispatch)
    : env_(env), wake_(Wake::New(env, dispatch, "silhouette", 0, 1, this)) {
  // An idle queue must not keep the process alive.
  wake_.Unref(env);
}

JobQueue::~JobQueue() {
  shut_down();
}

std::uint32_t JobQueue::start(Work work) {
  auto job = std::make_shared<Job>();
  job->id = next_id_++;
  job->work = std::move(work);
  if (observed_.empty()) wake_.Ref(env_);
  observed_.emplace(job->id, job);
  try {
    if (!enqueue(job)) {
      const std::lock_guard lock(mutex_);
      job->outcome = fail(ErrorCode::kLimitExceeded,
                          "the system gives no thread to work on; end something, or raise the limit (ulimit -u)");
      announce(job);
    }
  } catch (...) {
    // The caller hears of it; an environment mustn't wait for what never comes.
    forget(env_, job->id);
    throw;
  }
  return job->id;
}

void JobQueue::run_unobserved(std::move_only_function<void()> work) {
  auto job = std::make_shared<Job>();
  job->work = [work = std::move(work)](const JobContext&) mutable -> Result<MakeValue> {
    work();
    return MakeValue();
  };
  if (!enqueue(job)) static_cast<void>(job->work({}));
}

void JobQueue::cancel(std::uint32_t id) {
  if (const auto found = observed_.find(id); found != observed_.end()) found->second->stop.request_stop();
}

void JobQueue::shut_down() noexcept {
  std::vector<std::thread> threads;
  std::deque<std::shared_ptr<Job>> waiting;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    waiting.swap(waiting_);
  }
  for (const auto& [id, job] : observed_) job->stop.request_stop();
  available_.notify_all();
  for (auto& thread : threads) thread.join();
  observed_.clear();
  // One by one: a chain would be destroyed by recursion.
  while (first_announced_) first_announced_ = std::exchange(first_announced_->next_announced, nullptr);
  last_announced_ = nullptr;
}

bool JobQueue::enqueue(const std::shared_ptr<Job>& job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    waiting_.push_back(job);
    if (idle_ < waiting_.size() && threads_.size() < kMaxThreads) {
      try {
        threads_.emplace_back([this] { work(); });
      } catch (const std::exception&) {
        // Without a new thread the ones that there are take it, in time.
        if (threads_.empty()) {
          waiting_.pop_back();
          return false;
        }
      }
    }
  }
  available_.notify_one();
  return true;
}

void JobQueue::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    available_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (stopping_) return;
    auto job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();

    const JobContext context{job->stop.get_token(), [&](double fraction) {
                               const std::lock_guard report(mutex_);
                               job->progress = fraction;
                               announce(job);
                             }};
    auto outcome = outcome_of(*job, context);
    // Copied inputs and the like are freed on this thread.
    job->work = nullptr;

    lock.lock();
    if (job->id == 0) continue;
    job->outcome = std::move(outcome);
    announce(job);
  }
}

Result<MakeValue> JobQueue::outcome_of(Job& job, const JobContext& context) noexcept {
  // Short enough for a string that takes no memory.
  constexpr auto kNoMemory = "out of memory";
  try {
    try {
      if (context.stop.stop_requested()) return fail(ErrorCode::kCancelled, "the call was cancelled before it began");
      return job.work(context);
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kLimitExceeded, kNoMemory);
    } catch (const std::exception& error) {
      return fail(ErrorCode::kInternal, std::string("unexpected failure: ") + error.what());
    }
  } catch (const std::exception&) {
    return fail(ErrorCode::kLimitExceeded, kNoMemory);
  }
}

void JobQueue::announce(const std::shared_ptr<Job>& job) noexcept {
  if (!job->announced) {
    job->announced = true;
    (last_announced_ == nullptr ? first_announced_ : last_announced_->next_announced) = job;
    last_announced_ = job.get();
  }
  // Fails while the environment ends, and then there's nobody to tell, or for want of memory: the next one tries again.
  if (!woken_) woken_ = wake_.NonBlockingCall() == napi_ok;
}

void JobQueue::Call::on_environment_thread(Napi::Env env, Napi::Function dispatch, JobQueue* queue, void*) {
  // Without an environment this is the clearing of calls that were never delivered; the queue may be gone.
  if (static_cast<napi_env>(env) == nullptr || queue == nullptr) return;
  queue->deliver(env, dispatch);
}

void JobQueue::deliver(Napi::Env env, Napi::Function dispatch) {
  std::shared_ptr<Job> next;
  {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    next = std::exchange(first_announced_, nullptr);
    last_announced_ = nullptr;
  }
  while (next) {
    const auto job = next;
    std::optional<double> progress;
    std::optional<Result<MakeValue>> outcome;
    {
      const std::lock_guard lock(mutex_);
      next = std::exchange(job->next_announced, nullptr);
      job->announced = false;
      progress = std::exchange(job->progress, std::nullopt);
      outcome = std::exchange(job->outcome, std::nullopt);
    }
    const Napi::HandleScope scope(env);
    if (outcome) forget(env, job->id);
    try {
      const auto id = Napi::Number::New(env, job->id);
      const auto call = [&](EventKind kind, Napi::Value value, Napi::Value message) {
        dispatch.Call({id, Napi::Number::New(env, static_cast<double>(kind)), value, message});
      };
      if (progress) call(EventKind::kProgress, Napi::Number::New(env, *progress), env.Undefined());
      if (outcome && *outcome) {
        Napi::Value value;
        std::string failure;
        try {
          value = **outcome ? (**outcome)(env) : env.Undefined();
        } catch (const Napi::Error& error) {
          failure = error.Message();
        } catch (const std::exception& error) {
          failure = error.what();
        }
        if (failure.empty()) {
          call(EventKind::kDone, value, env.Undefined());
        } else {
          call(EventKind::kFailed, Napi::String::New(env, "LIMIT_EXCEEDED"),
               Napi::String::New(env, "the result can't be given to JavaScript: " + failure));
        }
      } else if (outcome) {
        const Error& error = outcome->error();
        call(EventKind::kFailed, Napi::String::New(env, std::string(error_code_name(error.code))),
             Napi::String::New(env, error.message));
      }
    } catch (const Napi::Error&) {
      // The environment is ending and runs no more JavaScript.
    }
  }
}

void JobQueue::forget(Napi::Env env, std::uint32_t id) {
  observed_.erase(id);
  if (observed_.empty()) wake_.Unref(env);
}

}  // namespace silhouette::node
