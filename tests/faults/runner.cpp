#include "faults/runner.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <set>
#include <string_view>

namespace silhouette::test::faults {
namespace {

constexpr unsigned kSecondsUntilHung = 60;  ///< far beyond what any call takes
constexpr std::size_t kMostFaults = 24;
constexpr long kNeverEnds = 2'000'000;

bool wants_all() {
  const char* const value = std::getenv("SILHOUETTE_FAULTS");
  return value != nullptr && std::string_view(value) == "all";
}

/// Whether others' words are let through, and what they misname is said.
bool is_loud() {
  return std::getenv("SILHOUETTE_FAULTS_LOUD") != nullptr;
}

/// What the process that does the work leaves for the one that waits for it, whatever becomes of the former.
struct Report {
  long point = 0;  ///< that is being tried; 0: none yet
  long requests = 0;
  bool done = false;
  long points = 0;
  long results = 0;
  long errors = 0;
  long left_by_others = 0;  ///< calls of which another library left something behind
  long misnamed = 0;
  long spoilt = 0;
  Caller refused;   ///< who was, at this point
  Caller ended_by;  ///< who ended the process
  std::size_t faults = 0;
  std::array<std::array<char, 700>, kMostFaults> fault{};

  /// Of the point. What becomes of another library's request isn't held against this one.
  void add_wrong(const Attempt& attempt, const std::string& text) {
    if (refused.is_ours() || refused.module[0] == '\0') {
      add_fault(fmt::format("{}: {}", describe_point(), text));
    } else {
      ++(attempt.error ? misnamed : spoilt);
      if (is_loud()) std::fprintf(stderr, "%s: %s\n", describe_point().c_str(), text.c_str());
    }
  }
  void add_fault(const std::string& text) {
    if (faults < kMostFaults) std::strncpy(fault[faults].data(), text.c_str(), fault[faults].size() - 1);
    ++faults;
  }
  [[nodiscard]] std::string describe_point() const {
    return fmt::format("request {}, of {}+{:#x}", point, refused.module, refused.offset);
  }
};

Report* shared_report() {
  void* const memory = ::mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return new (memory) Report;
}

Report* current = nullptr;

void on_fatal_signal(int number) {
  disarm();
  current->ended_by = caller_now();
  ::signal(number, SIG_DFL);
  ::raise(number);
}

void catch_fatal_signals() {
  // Stacks overflow, too.
  static std::array<std::byte, 1 << 16> stack;
  const stack_t other{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
  ::sigaltstack(&other, nullptr);
  struct sigaction action{};
  action.sa_handler = on_fatal_signal;
  action.sa_flags = SA_ONSTACK;
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM})
    ::sigaction(number, &action, nullptr);
}

Attempt attempt_of(const Scenario& scenario) {
  try {
    return scenario();
  } catch (const std::exception& error) {
    return {.error = Error{ErrorCode::kInternal, std::string("the call threw: ") + error.what()}, .result = 0};
  } catch (...) {
    return {.error = Error{ErrorCode::kInternal, "the call threw"}, .result = 0};
  }
}

/// What is wrong with a call in which something was refused; empty: nothing.
std::string judge(const Attempt& attempt, std::optional<std::uint64_t> expected) {
  if (!attempt.error) return !expected || attempt.result == *expected ? "" : "another result";
  if (attempt.error->code != ErrorCode::kLimitExceeded) {
    return fmt::format("{}: {}", error_code_name(attempt.error->code), attempt.error->message);
  }
  return attempt.error->message.size() < 8 ? "no message" : "";
}

class Worker {
 public:
  Worker(const Scenario& scenario, Mode mode, Report& report) : scenario_(scenario), mode_(mode), report_(report) {}

  void warm_up() {
    for (int i = 0; i < 2; ++i) {
      arm(0, mode_);
      const Attempt attempt = attempt_of(scenario_);
      disarm();
      report_.requests = requests();
      if (attempt.error) {
        report_.add_fault("fails with nothing refused: " + attempt.error->message);
        report_.done = true;
        return;
      }
      expected_ = attempt.result;
    }
  }

  /// False: there aren't so many requests.
  bool run_point(long point, bool looks_for_leaks) {
    report_.point = point;
    ::alarm(kSecondsUntilHung);
    const Held before = held();
    bool reached = false;
    {
      arm(point, mode_);
      const Attempt attempt = attempt_of(scenario_);
      disarm();
      reached = requests() >= point;
      if (const auto wrong = judge(attempt, expected_); !wrong.empty()) {
        report_.add_wrong(attempt, wrong);
      } else if (!reached) {
        return false;
      } else {
        ++(attempt.error ? report_.errors : report_.results);
      }
      if (!attempt.error && !expected_) expected_ = attempt.result;
    }
    ++report_.points;
    if (looks_for_leaks && held() != before) look_for_leak(point);
    const Attempt next = attempt_of(scenario_);
    if (next.error) {
      report_.add_fault(fmt::format("{}: the next call: {}", report_.describe_point(), next.error->message));
    } else if (expected_ && next.result != *expected_) {
      report_.add_fault(fmt::format("{}: the next call gives another result", report_.describe_point()));
    }
    return true;
  }

 private:
  /// Caches may grow by one call; what leaks leaks again.
  void look_for_leak(long point) {
    const Caller refused = report_.refused;
    const Held before = held();
    start_recording();
    {
      arm(point, mode_);
      const Attempt attempt = attempt_of(scenario_);
      disarm();
    }
    const Held after = held();
    const Owners owners = stop_recording();
    report_.refused = refused;
    if (after == before) return;
    if (owners.ours || refused.is_ours() || after.mapped != before.mapped) {
      report_.add_fault(fmt::format("{}: {} blocks and {} bytes of maps are left of it, of{}", report_.describe_point(),
                                    after.blocks - before.blocks, after.mapped - before.mapped, owners.names));
    } else {
      ++report_.left_by_others;
    }
  }

  const Scenario& scenario_;
  Mode mode_;
  Report& report_;
  std::optional<std::uint64_t> expected_;
};

/// Runs `body` in another process; its wait status.
template <typename Body>
int in_another_process(Report& report, const Body& body) {
  std::fflush(nullptr);
  report.ended_by = {};
  const pid_t child = ::fork();
  if (child == 0) {
    current = &report;
    write_refused_to(&report.refused);
    catch_fatal_signals();
    // Some libraries report their lack of memory by a function that needs some, without end.
    const rlimit small_stack{2 << 20, 2 << 20};
    ::setrlimit(RLIMIT_STACK, &small_stack);
    // Others' last words; this library has none.
    if (!is_loud()) static_cast<void>(!std::freopen("/dev/null", "w", stderr));
    ::alarm(kSecondsUntilHung);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

struct Ends {
  std::map<std::string, long> by;
  long count = 0;
};

/// Counts an end that is another library's doing; any other is a fault.
void note_end(Report& report, int status, Ends& ends) {
  const std::string how =
      WIFSIGNALED(status) ? ::strsignal(WTERMSIG(status)) : fmt::format("exit {}", WEXITSTATUS(status));
  if (report.ended_by.is_ours() || report.ended_by.module[0] == '\0') {
    report.add_fault(fmt::format("{}: {} in {}+{:#x}", report.describe_point(), how, report.ended_by.module,
                                 report.ended_by.offset));
    return;
  }
  ++ends.count;
  ++ends.by[report.ended_by.module];
}

void print(const std::string& name, std::string_view what, const Report& report, const Ends& ends) {
  std::string line = fmt::format("[ faults   ] {}, {}: {} requests, {} points: {} results, {} clear errors", name, what,
                                 report.requests, report.points + ends.count, report.results, report.errors);
  for (const auto& [module, count] : ends.by) line += fmt::format(", {} ended by {}", count, module);
  if (report.misnamed > 0) line += fmt::format(", {} errors that others misname", report.misnamed);
  if (report.spoilt > 0) line += fmt::format(", {} results that others spoil", report.spoilt);
  if (report.left_by_others > 0) line += fmt::format(", {} of which others left something", report.left_by_others);
  std::puts(line.c_str());
  for (std::size_t i = 0; i < std::min(report.faults, kMostFaults); ++i) {
    ADD_FAILURE() << name << ", " << what << ", " << report.fault[i].data();
  }
  if (report.faults > kMostFaults) ADD_FAILURE() << "and " << report.faults - kMostFaults << " more";
}

}  // namespace

Tally expect_every_failure_is_clean(const std::string& name, const Scenario& scenario, Mode mode, long most,
                                    Start start) {
  Report& report = *shared_report();
  Ends ends;
  const bool warm = start == Start::kWarm;
  in_another_process(report, [&] {
    Worker worker(scenario, mode, report);
    if (warm) return worker.warm_up();
    arm(0, mode);
    static_cast<void>(attempt_of(scenario));
    disarm();
    report.requests = requests();
  });
  EXPECT_GT(report.requests, 0) << name;
  const long step = wants_all() ? 1 : std::max(1L, report.requests / most);
  for (long point = 1; !report.done && report.faults < kMostFaults;) {
    report.point = point;
    const int status = in_another_process(report, [&] {
      Worker worker(scenario, mode, report);
      if (warm) worker.warm_up();
      while (!report.done && report.faults < kMostFaults) {
        if (!worker.run_point(point, warm)) {
          report.done = true;
          break;
        }
        point += step;
        if (!warm || point > kNeverEnds) break;
      }
    });
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) note_end(report, status, ends);
    point = report.point + step;
  }
  EXPECT_GT(report.points, 0);
  print(name, mode == Mode::kOnce ? "one refused" : "all refused from one on", report, ends);
  return {.points = report.points + ends.count, .misnamed = report.misnamed, .spoilt = report.spoilt};
}

void expect_few_threads_do(const std::string& name, const Scenario& scenario, int most) {
  Report& report = *shared_report();
  Ends ends;
  for (int threads = 0; threads <= most; ++threads) {
    const int status = in_another_process(report, [&] {
      report.point = threads;
      allow_threads(threads);
      const Attempt attempt = attempt_of(scenario);
      ++report.points;
      report.requests += refused_threads();
      ++(attempt.error ? report.errors : report.results);
      if (const auto wrong = judge(attempt, {}); !wrong.empty()) {
        report.add_fault(fmt::format("with {} threads: {}", threads, wrong));
      }
    });
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) note_end(report, status, ends);
  }
  // Threads that are refused never end a process.
  EXPECT_EQ(ends.count, 0) << name;
  EXPECT_GT(report.requests, 0) << name << " asks for no thread";
  print(name, "few threads", report, ends);
}

void prepare(const Scenario& scenario) {
  Report& report = *shared_report();
  const int status = in_another_process(report, [&] {
    if (const Attempt attempt = attempt_of(scenario); attempt.error) report.add_fault(attempt.error->message);
  });
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ASSERT_EQ(report.faults, 0U) << report.fault[0].data();
}

}  // namespace silhouette::test::faults
