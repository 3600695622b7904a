#include "job_queue.hpp"

#include <exception>
#include <new>
#include <string>
#include <system_error>
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
  if (!enqueue(job)) {
    const std::lock_guard lock(mutex_);
    job->outcome = fail(ErrorCode::kLimitExceeded, "the system gives no thread to work on; close something else");
    announce(job);
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
  announced_.clear();
}

bool JobQueue::enqueue(const std::shared_ptr<Job>& job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (idle_ <= waiting_.size() && threads_.size() < kMaxThreads) {
      try {
        threads_.emplace_back([this] { work(); });
      } catch (const std::system_error&) {
        // Without a new thread the ones that there are take it, in time.
        if (threads_.empty()) return false;
      }
    }
    waiting_.push_back(job);
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
    Result<MakeValue> outcome;
    try {
      outcome = context.stop.stop_requested() ? fail(ErrorCode::kCancelled, "the call was cancelled before it began")
                                              : job->work(context);
    } catch (const std::bad_alloc&) {
      outcome = fail(ErrorCode::kLimitExceeded, "out of memory");
    } catch (const std::exception& error) {
      outcome = fail(ErrorCode::kInternal, std::string("unexpected failure: ") + error.what());
    }
    // Copied inputs and the like are freed on this thread.
    job->work = nullptr;

    lock.lock();
    if (job->id == 0) continue;
    job->outcome = std::move(outcome);
    announce(job);
  }
}

void JobQueue::announce(const std::shared_ptr<Job>& job) {
  if (!job->announced) {
    job->announced = true;
    announced_.push_back(job);
  }
  // Fails only while the environment ends, and then there's nobody to tell.
  if (!std::exchange(woken_, true)) static_cast<void>(wake_.NonBlockingCall());
}

void JobQueue::Call::on_environment_thread(Napi::Env env, Napi::Function dispatch, JobQueue* queue, void*) {
  // Without an environment this is the clearing of calls that were never delivered; the queue may be gone.
  if (static_cast<napi_env>(env) == nullptr || queue == nullptr) return;
  queue->deliver(env, dispatch);
}

void JobQueue::deliver(Napi::Env env, Napi::Function dispatch) {
  std::vector<std::shared_ptr<Job>> jobs;
  {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    jobs.swap(announced_);
  }
  for (const auto& job : jobs) {
    std::optional<double> progress;
    std::optional<Result<MakeValue>> outcome;
    {
      const std::lock_guard lock(mutex_);
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
