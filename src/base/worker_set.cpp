#include "base/worker_set.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

#include "base/process.hpp"

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

WorkerSet::WorkerSet(int at_once, int turns_each) noexcept
    : at_once_(std::max(at_once, 1)), turns_each_(turns_each), process_(process_number()) {}

std::shared_ptr<WorkerSet> WorkerSet::create(int at_once, int turns_each) {
  // In the child of a fork it stays: its threads are the parent's, and would be waited for.
  return {new WorkerSet(at_once, turns_each), [](WorkerSet* set) {
            if (set->process_ == process_number()) delete set;
          }};
}

WorkerSet::~WorkerSet() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void WorkerSet::make_threads(std::size_t wanted) noexcept {
  try {
    // Before there is a thread to be lost.
    threads_.reserve(wanted);
    while (threads_.size() < wanted) threads_.emplace_back([this] { work(); });
  } catch (const std::exception&) {
    // Fewer will do: no thread (std::system_error), or no memory for one, is to be had.
    return;
  }
}

int WorkerSet::grow(int threads) {
  if (process_number() != process_) return 1;
  const std::lock_guard lock(mutex_);
  make_threads(static_cast<std::size_t>(std::max(threads, 1)) - 1);
  const int size = static_cast<int>(threads_.size()) + 1;
  {
    const std::lock_guard queue(queue_mutex_);
    at_once_ = std::max(at_once_.load(), size);
    give_turns();
  }
  return std::min(size, std::max(threads, 1));
}

int WorkerSet::helpers_wanted() const noexcept {
  // Loops without a turn have a caller too.
  return at_once_.load(std::memory_order_relaxed) - std::max(turns_.load(std::memory_order_relaxed), 1);
}

int WorkerSet::most_turns() const noexcept {
  return turns_each_ * at_once_.load(std::memory_order_relaxed);
}

std::uint64_t WorkerSet::bit(const Loop& loop) const noexcept {
  return std::uint64_t{1} << static_cast<std::size_t>(&loop - loops_.data());
}

WorkerSet::Loop* WorkerSet::joinable() noexcept {
  Loop* best = nullptr;
  std::uint32_t fewest = 0;
  for (std::uint64_t open = open_.load(); open != 0; open &= open - 1) {
    Loop& loop = loops_[static_cast<std::size_t>(std::countr_zero(open))];
    const std::uint32_t joined = loop.joined.load(std::memory_order_relaxed);
    if (joined >= loop.limit.load(std::memory_order_relaxed)) continue;
    if (best == nullptr || joined < fewest) {
      best = &loop;
      fewest = joined;
    }
  }
  return best;
}

bool WorkerSet::wait_for_loop() {
  const auto until = std::chrono::steady_clock::now() + kAwake;
  do {
    for (int i = 0; i < kPausesBetweenLooks; ++i) {
      if (helping_.load(std::memory_order_relaxed) < helpers_wanted() && joinable() != nullptr) return true;
      pause();
    }
    // Others need the processor more.
    if (helpers_wanted() <= 0) break;
  } while (std::chrono::steady_clock::now() < until && !stopping_);
  std::unique_lock lock(mutex_);
  ++sleepers_;
  wake_.wait(lock, [this] { return stopping_ || (helping_ < helpers_wanted() && joinable() != nullptr); });
  --sleepers_;
  return !stopping_;
}

template <typename GoOn>
bool WorkerSet::run(Loop& loop, std::size_t worker, const GoOn& go_on) noexcept {
  std::size_t begin = loop.next.load(std::memory_order_relaxed);
  while (begin < loop.count) {
    if (!go_on()) return false;
    const std::size_t end = begin + std::max<std::size_t>(1, (loop.count - begin) / (kPartOfShare * loop.threads));
    if (!loop.next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
    try {
      for (std::size_t i = begin; i < end; ++i) (*loop.body)(i, worker);
    } catch (...) {
      if (!loop.failed.exchange(true)) loop.error = std::current_exception();
      loop.next.store(loop.count, std::memory_order_relaxed);
    }
    begin = loop.next.load(std::memory_order_relaxed);
  }
  return true;
}

void WorkerSet::help(Loop& loop) {
  ++loop.inside;
  // It may have been closed since, and opened for another: whichever is open now can be joined.
  if ((open_.load() & bit(loop)) != 0) {
    const std::uint32_t number = loop.joined.fetch_add(1) + 1;
    if (number <= loop.limit.load(std::memory_order_relaxed)) {
      const bool finished =
          run(loop, number, [this] { return helping_.load(std::memory_order_relaxed) <= helpers_wanted(); });
      // Nothing is left to hand out: the others needn't look.
      if (finished) open_.fetch_and(~bit(loop));
    }
  }
  --loop.inside;
}

void WorkerSet::work() {
  while (wait_for_loop()) {
    if (++helping_ <= helpers_wanted()) {
      if (Loop* const loop = joinable(); loop != nullptr) help(*loop);
    }
    --helping_;
  }
}

void WorkerSet::wake(int helpers) noexcept {
  const int sleepers = sleepers_;
  if (sleepers == 0) return;
  // Whoever is about to sleep holds the mutex until it does.
  {
    const std::lock_guard lock(mutex_);
  }
  if (helpers >= sleepers) {
    wake_.notify_all();
  } else {
    for (int i = 0; i < helpers; ++i) wake_.notify_one();
  }
}

void WorkerSet::parallel_for(std::size_t count, const LoopBody& body, int threads) {
  // The child of a fork has none of them, and waking them up would wait for them.
  const int helpers = process_number() == process_ ? std::min(threads - 1, helpers_wanted()) : 0;
  Loop* loop = nullptr;
  if (helpers > 0 && count > 1) {
    std::uint64_t taken = taken_.load(std::memory_order_relaxed);
    while (~taken != 0) {
      const std::uint64_t mine = ~taken & (taken + 1);
      if (!taken_.compare_exchange_weak(taken, taken | mine, std::memory_order_acquire)) continue;
      loop = &loops_[static_cast<std::size_t>(std::countr_zero(mine))];
      break;
    }
  }
  if (loop == nullptr) {
    for (std::size_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  loop->count = count;
  loop->threads = static_cast<std::size_t>(helpers) + 1;
  loop->body = &body;
  loop->next.store(0, std::memory_order_relaxed);
  loop->joined.store(0, std::memory_order_relaxed);
  // Of the threads that it may have, not of those that are free now: others may become so.
  loop->limit.store(static_cast<std::uint32_t>(threads - 1), std::memory_order_relaxed);
  open_.fetch_or(bit(*loop));
  wake(helpers);
  run(*loop, 0, [] { return true; });
  // Nothing is left; a worker may still be inside its last item, and none may join any more.
  open_.fetch_and(~bit(*loop));
  for (int looks = 0; loop->inside > 0; ++looks) {
    if (looks < 2000) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
  std::exception_ptr error;
  if (loop->failed) {
    loop->failed = false;
    error = std::exchange(loop->error, nullptr);
  }
  taken_.fetch_and(~bit(*loop), std::memory_order_release);
  if (error) std::rethrow_exception(error);
}

Result<WorkerSet::Turn> WorkerSet::wait_for_turn(const std::stop_token& stop) {
  if (process_number() != process_) {
    // Those who had the turns are the parent's threads, as the workers are, and may hold any lock.
    at_once_ = 1;
    return Turn(nullptr);
  }
  Waiting me;
  {
    const std::lock_guard lock(queue_mutex_);
    if (first_ == nullptr && turns_ < most_turns()) {
      ++turns_;
      return Turn(this);
    }
    (last_ == nullptr ? first_ : last_->next) = &me;
    last_ = &me;
  }
  const std::stop_callback cancel(stop, [&] {
    const std::lock_guard lock(queue_mutex_);
    if (me.given) return;
    me.cancelled = true;
    leave_queue(me);
    me.turn.notify_one();
  });
  std::unique_lock lock(queue_mutex_);
  me.turn.wait(lock, [&] { return me.given || me.cancelled; });
  if (me.given) return Turn(this);
  lock.unlock();
  return fail(ErrorCode::kCancelled, "cancelled while other calls had their turn");
}

int WorkerSet::waiting() {
  const std::lock_guard lock(queue_mutex_);
  int count = 0;
  for (const Waiting* one = first_; one != nullptr; one = one->next) ++count;
  return count;
}

void WorkerSet::leave_queue(Waiting& who) noexcept {
  Waiting* before = nullptr;
  for (Waiting* one = first_; one != &who; one = one->next) before = one;
  (before == nullptr ? first_ : before->next) = who.next;
  if (last_ == &who) last_ = before;
}

void WorkerSet::end_turn() noexcept {
  const std::lock_guard lock(queue_mutex_);
  --turns_;
  give_turns();
}

void WorkerSet::give_turns() noexcept {
  // Handed over, so that nobody who comes now is before those who wait.
  while (first_ != nullptr && turns_ < most_turns()) {
    Waiting& next = *first_;
    leave_queue(next);
    ++turns_;
    next.given = true;
    next.turn.notify_one();
  }
}

}  // namespace silhouette
