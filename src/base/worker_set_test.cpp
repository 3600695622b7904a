#include "base/worker_set.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_pool.hpp"

namespace silhouette {
namespace {

using Turn = WorkerSet::Turn;

Turn take_turn(WorkerSet& workers) {
  auto turn = workers.wait_for_turn({});
  EXPECT_TRUE(turn);
  return std::move(*turn);
}

void wait_until_waiting(WorkerSet& workers, int number) {
  while (workers.waiting() != number) std::this_thread::yield();
}

TEST(WorkerSet, GrowsToTheLargestNumberAskedFor) {
  const auto workers = WorkerSet::create(2);
  ThreadPool two(workers, 2);
  ThreadPool four(workers, 4);
  ThreadPool three(workers, 3);
  EXPECT_EQ(two.size(), 2);
  EXPECT_EQ(four.size(), 4);
  EXPECT_EQ(three.size(), 3);
  // All four at once, or it never ends; of the smaller pool no more than its own.
  std::latch all(4);
  four.parallel_for(4, [&](std::size_t, std::size_t) { all.arrive_and_wait(); });
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  three.parallel_for(2000, [&](std::size_t, std::size_t worker) {
    EXPECT_LT(worker, 3U);
    const int here = ++now;
    for (int seen = most; seen < here && !most.compare_exchange_weak(seen, here);) {
    }
    --now;
  });
  EXPECT_LE(most, 3);
}

TEST(WorkerSet, LoopsThatRunAtOnceEachGetWorkers) {
  // Both threads of both loops wait for each other in their first task: with a loop that gets no worker it never ends.
  const auto workers = WorkerSet::create(3);
  ThreadPool pool(workers, 3);
  ThreadPool two(workers, 2);
  for (int round = 0; round < 200; ++round) {
    std::latch all(4);
    const auto loop = [&] {
      std::atomic<bool> came[2] = {};
      two.parallel_for(100, [&](std::size_t, std::size_t worker) {
        if (!came[worker].exchange(true)) all.arrive_and_wait();
      });
    };
    const std::jthread caller(loop);
    loop();
  }
}

TEST(WorkerSet, MoreLoopsThanItCanKeepOpenRunAllTheSame) {
  const auto workers = WorkerSet::create(4);
  ThreadPool pool(workers, 4);
  std::atomic<int> total = 0;
  std::latch all(100);
  std::vector<std::jthread> callers;
  for (int i = 0; i < 100; ++i) {
    callers.emplace_back([&] {
      std::atomic<bool> first = true;
      pool.parallel_for(10, [&](std::size_t, std::size_t) {
        if (first.exchange(false)) all.arrive_and_wait();
        ++total;
      });
    });
  }
  callers.clear();
  EXPECT_EQ(total, 1000);
}

TEST(WorkerSet, NobodyHelpsWhenAllTurnsAreTaken) {
  const auto workers = WorkerSet::create(2);
  ThreadPool pool(workers, 2);
  const Turn mine = take_turn(*workers);
  std::optional<Turn> others = take_turn(*workers);
  for (int round = 0; round < 100; ++round) {
    pool.parallel_for(100, [caller = std::this_thread::get_id()](std::size_t, std::size_t worker) {
      EXPECT_EQ(worker, 0U);
      EXPECT_EQ(std::this_thread::get_id(), caller);
    });
  }
  others.reset();
  // Both threads at once, or it never ends.
  std::latch both(2);
  pool.parallel_for(2, [&](std::size_t, std::size_t) { both.arrive_and_wait(); });
}

TEST(WorkerSet, AWorkerLeavesALoopWhenItsProcessorIsTaken) {
  const auto workers = WorkerSet::create(2);
  ThreadPool pool(workers, 2);
  for (int round = 0; round < 50; ++round) {
    const Turn mine = take_turn(*workers);
    std::optional<Turn> others;
    std::latch taken(1);
    std::atomic<int> helped = 0;
    std::atomic<int> all = 0;
    pool.parallel_for(1000, [&](std::size_t, std::size_t worker) {
      ++all;
      if (worker == 0) return taken.wait();
      if (helped++ != 0) return;
      others = take_turn(*workers);
      taken.count_down();
    });
    EXPECT_EQ(all, 1000);
    EXPECT_LE(helped, 125) << "no more than it had taken before: an eighth of the loop";
  }
}

TEST(WorkerSet, TurnsAreGivenInTheOrderOfTheirCallers) {
  const auto workers = WorkerSet::create(1, 1);
  std::optional<Turn> first = take_turn(*workers);
  std::vector<int> order;
  std::vector<std::jthread> callers;
  for (int i = 0; i < 5; ++i) {
    callers.emplace_back([&, i] {
      const Turn turn = take_turn(*workers);
      order.push_back(i);  // alone: there is one turn
    });
    wait_until_waiting(*workers, i + 1);
  }
  first.reset();
  callers.clear();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_TRUE(workers->wait_for_turn({})) << "the last gave it back";
}

TEST(WorkerSet, WhoWaitsForATurnCanBeCancelled) {
  const auto workers = WorkerSet::create(1, 1);
  std::optional<Turn> held = take_turn(*workers);
  std::vector<std::stop_source> stops(3);
  std::vector<ErrorCode> ends(3, ErrorCode{});
  {
    std::vector<std::jthread> callers;
    for (std::size_t i = 0; i < 3; ++i) {
      callers.emplace_back([&, i] {
        const auto turn = workers->wait_for_turn(stops[i].get_token());
        if (!turn) ends[i] = turn.error().code;
      });
      wait_until_waiting(*workers, static_cast<int>(i) + 1);
    }
    stops[1].request_stop();
    wait_until_waiting(*workers, 2);
    stops[2].request_stop();
    wait_until_waiting(*workers, 1);
    held.reset();
  }
  EXPECT_EQ(ends, (std::vector{ErrorCode{}, ErrorCode::kCancelled, ErrorCode::kCancelled}));
  held = take_turn(*workers);
  EXPECT_EQ(workers->wait_for_turn(stops[1].get_token()).error().code, ErrorCode::kCancelled) << "already stopped";
}

TEST(WorkerSet, AProcessorHasTwoTurns) {
  const auto workers = WorkerSet::create(3);
  std::stop_source stopped;
  stopped.request_stop();
  std::vector<Turn> turns;
  while (auto turn = workers->wait_for_turn(stopped.get_token())) turns.push_back(std::move(*turn));
  EXPECT_EQ(turns.size(), 6U);
}

TEST(WorkerSet, WhoGrowsItLetsMoreInAtOnce) {
  const auto workers = WorkerSet::create(1, 1);
  const Turn held = take_turn(*workers);
  std::jthread caller([&] { take_turn(*workers); });
  wait_until_waiting(*workers, 1);
  workers->grow(2);
  caller.join();
}

/// Callers, cancelled callers and pools of all sizes at once: for the thread sanitizer, and to see that nobody is left.
TEST(WorkerSet, SurvivesAllAtOnce) {
  const auto workers = WorkerSet::create(2);
  std::atomic<std::size_t> total = 0;
  std::atomic<std::size_t> expected = 0;
  {
    std::vector<std::jthread> callers;
    for (int c = 0; c < 6; ++c) {
      callers.emplace_back([&, c] {
        ThreadPool pool(workers, 1 + c % 4);
        for (std::size_t round = 0; round < 100; ++round) {
          std::stop_source stop;
          std::jthread stopper([&] {
            if (round % 3 == 0) stop.request_stop();
          });
          const auto turn = pool.wait_for_turn(stop.get_token());
          if (!turn) continue;
          expected += round;
          pool.parallel_for(round, [&](std::size_t, std::size_t) { ++total; });
        }
      });
    }
  }
  EXPECT_EQ(total, expected);
  EXPECT_EQ(workers->waiting(), 0);
}

/// Whether all threads but the calling one sleep.
bool others_sleep() {
  const std::string self = std::to_string(::gettid());
  return std::ranges::all_of(std::filesystem::directory_iterator("/proc/self/task"), [&](const auto& task) {
    std::string state;
    std::ifstream(task.path() / "stat") >> state >> state >> state;  // number, name, state
    return task.path().filename() == self || state == "S";
  });
}

TEST(WorkerSet, TheChildOfAForkWorksAlone) {
  auto workers = WorkerSet::create(3);
  auto pool = std::make_unique<ThreadPool>(workers, 3);
  // They hold what a child that waited for them would wait for.
  while (!others_sleep()) std::this_thread::yield();
  const Turn one = take_turn(*workers);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // If it waits for threads that it doesn't have.
    ::alarm(60);
    std::size_t sum = 0;
    // Loading a model takes no turn.
    pool->parallel_for(10, [&](std::size_t i, std::size_t) { sum += i; });
    const auto turn = pool->wait_for_turn({});
    pool->parallel_for(10, [&](std::size_t i, std::size_t) { sum += i; });
    const bool grew = workers->grow(8) != 1;
    pool.reset();
    workers.reset();
    _exit(turn && sum == 90 && !grew ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace silhouette
