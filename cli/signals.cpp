#include "signals.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>

#include "exit_codes.hpp"

namespace silhouette::cli {
namespace {

// Handlers reach nothing but globals. A stop_source may not be used in one, hence the pipe to a thread.
std::atomic<int> caught_signal{0};
std::array<std::atomic<int>, 2> wake_pipe{-1, -1};
static_assert(std::atomic<int>::is_always_lock_free);

void wake() noexcept {
  const char byte = 0;
  // Nothing can be done about a failure here, and one byte in an empty pipe doesn't fail.
  [[maybe_unused]] const auto written = ::write(wake_pipe[1].load(), &byte, 1);
}

extern "C" void on_signal(int number) {
  const int saved_errno = errno;
  int none = 0;
  if (!caught_signal.compare_exchange_strong(none, number)) ::_exit(kExitSignalBase + number);
  wake();
  errno = saved_errno;
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  // No SA_RESTART: a blocked read must return.
  ::sigaction(number, &action, nullptr);
}

}  // namespace

Signals::Signals() {
  handle(SIGPIPE, SIG_IGN);
  handle(SIGXFSZ, SIG_IGN);
  std::array<int, 2> ends{};
  // Without a pipe or a thread signals keep their default effect, which is to end the process.
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
  wake_pipe[0] = ends[0];
  wake_pipe[1] = ends[1];
  try {
    watcher_ = std::jthread([this] {
      pollfd descriptor{.fd = wake_pipe[0], .events = POLLIN, .revents = 0};
      while (::poll(&descriptor, 1, -1) < 0 && errno == EINTR) continue;
      if (caught() != 0) source_.request_stop();
    });
  } catch (const std::exception&) {
    return;
  }
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction current{};
    // What the parent chose to ignore (nohup) stays ignored.
    if (::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN) continue;
    handle(number, on_signal);
  }
}

Signals::~Signals() {
  if (watcher_.joinable()) {
    wake();
    watcher_.join();
  }
}

int Signals::caught() noexcept {
  return caught_signal;
}

int Signals::wake_descriptor() noexcept {
  return wake_pipe[0];
}

}  // namespace silhouette::cli
