#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "silhouette/error.hpp"

namespace silhouette {

/// What a loop calls: with the number of a task, and the number of who does it. No two calls of one loop that run at
/// once have the same of the latter, so that what a worker needs can be made before, one of it each.
using LoopBody = std::function<void(std::size_t task, std::size_t worker)>;

/// Threads that many share, each through a `ThreadPool` of its own. Several loops may be open at once; a worker joins
/// the one with the fewest. Workers are awake for some microseconds after a loop, since a network's run is many loops
/// in a row, then asleep.
///
/// Who wants to run a network takes a turn first, and workers make up only what those with a turn leave free. With as
/// many turns as may compute at once each has a processor of its own, which is what gives most: nobody waits for
/// anybody at the end of a loop. Twice as many are given: while one is handed over, which takes its next a while to
/// wake up for, the processor has another to go on with. More would only take each other's caches away.
class WorkerSet {
 public:
  /// Without threads. Meant for `at_once` ≥ 1 that compute at once, or as many as `grow` was asked for if that is more,
  /// and `turns_each` times as many turns.
  static std::shared_ptr<WorkerSet> create(int at_once, int turns_each = 2);
  WorkerSet(const WorkerSet&) = delete;
  WorkerSet& operator=(const WorkerSet&) = delete;
  ~WorkerSet();

  /// Makes threads until loops can have `threads`, their caller's included, and returns how many they can have: fewer
  /// if no thread, or no memory for one, is to be had.
  int grow(int threads);

  /// The right to compute, given back when this goes. It must not outlive its set.
  class Turn {
   public:
    Turn(Turn&& other) noexcept : set_(std::exchange(other.set_, nullptr)) {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(set_, other.set_);
      return *this;
    }
    ~Turn() {
      if (set_ != nullptr) set_->end_turn();
    }

   private:
    friend WorkerSet;
    explicit Turn(WorkerSet* set) noexcept : set_(set) {}
    WorkerSet* set_;
  };
  /// Waits until it is this caller's turn: first come, first served. kCancelled.
  Result<Turn> wait_for_turn(const std::stop_token& stop);
  /// For tests: those that wait in it now.
  [[nodiscard]] int waiting();

  /// A loop of at most `threads` threads: see ThreadPool. Workers' numbers are less than `threads`.
  void parallel_for(std::size_t count, const LoopBody& body, int threads);

 private:
  WorkerSet(int at_once, int turns_each) noexcept;

  /// A cache line each, so that loops don't slow each other down.
  struct alignas(64) Loop {
    // Written while nobody looks: before the loop is opened.
    std::size_t count = 0;
    std::size_t threads = 0;
    const LoopBody* body = nullptr;
    std::exception_ptr error;  ///< the first body's that threw
    std::atomic<std::size_t> next = 0;
    std::atomic<bool> failed = false;
    /// Workers that may be looking at it. Raised before `open_` is read again, so that who closes the loop and then
    /// finds nobody inside may use it for another.
    std::atomic<int> inside = 0;
    std::atomic<std::uint32_t> joined = 0;  ///< workers that ever did: who leaves early doesn't come back
    std::atomic<std::uint32_t> limit = 0;
  };
  struct Waiting {
    std::condition_variable turn;
    bool given = false;
    bool cancelled = false;
    Waiting* next = nullptr;
  };
  static constexpr std::size_t kMostLoops = 64;  ///< open at once; callers beyond that work alone

  void make_threads(std::size_t wanted) noexcept;
  void end_turn() noexcept;
  void give_turns() noexcept;
  void leave_queue(Waiting& who) noexcept;
  void work();
  bool wait_for_loop();
  [[nodiscard]] int helpers_wanted() const noexcept;
  [[nodiscard]] int most_turns() const noexcept;
  [[nodiscard]] Loop* joinable() noexcept;
  void help(Loop& loop);
  /// False if whoever runs it shall stop for other reasons than that nothing is left.
  template <typename GoOn>
  static bool run(Loop& loop, std::size_t worker, const GoOn& go_on) noexcept;
  void wake(int helpers) noexcept;
  [[nodiscard]] std::uint64_t bit(const Loop& loop) const noexcept;

  std::array<Loop, kMostLoops> loops_;
  alignas(64) std::atomic<std::uint64_t> open_ = 0;   ///< loops that have tasks to hand out
  alignas(64) std::atomic<std::uint64_t> taken_ = 0;  ///< loops that have a caller
  alignas(64) std::atomic<int> turns_ = 0;
  std::atomic<int> at_once_;
  int turns_each_;
  std::atomic<int> helping_ = 0;  ///< workers that do, or look for, what they may do
  std::atomic<int> sleepers_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;  ///< of threads_, of falling asleep
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
  std::mutex queue_mutex_;
  Waiting* first_ = nullptr;  ///< in the queue for a turn
  Waiting* last_ = nullptr;
  int process_;  ///< that has the threads: a fork's child hasn't
};

}  // namespace silhouette
