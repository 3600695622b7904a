#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string_view>

extern char** environ;

namespace silhouette::test {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error(std::strerror(errno));
    read_end = ends[0];
    write_end = ends[1];
  }
  int read_end = -1;
  int write_end = -1;
};

void close_end(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

/// Pointers to texts, with the null at the end that exec wants.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

/// Takes what is there; closes at the end of the stream.
void drain(int& descriptor, std::string& text) {
  std::array<char, 1 << 16> chunk{};
  const ssize_t n = ::read(descriptor, chunk.data(), chunk.size());
  if (n > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(n));
  } else if (n == 0 || errno != EINTR) {
    close_end(descriptor);
  }
}

}  // namespace

Process::Process(Invocation invocation)
    : input_(std::move(invocation.input)), hold_input_open_(invocation.hold_input_open) {
  // A process that ends without reading its input must not end the tests.
  std::signal(SIGPIPE, SIG_IGN);
  Pipe in;
  Pipe out;
  Pipe err;
  if (invocation.close_output) close_end(out.read_end);

  std::vector<std::string> arguments = std::move(invocation.wrapper);
  arguments.emplace_back(SILHOUETTE_COMMAND);
  arguments.insert(arguments.end(), invocation.arguments.begin(), invocation.arguments.end());
  std::vector<std::string> environment;
  for (const auto& [name, value] : invocation.environment) environment.push_back(name + "=" + value);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    bool replaced = false;
    for (const auto& [name, value] : invocation.environment) replaced = replaced || text.starts_with(name + "=");
    if (!replaced) environment.emplace_back(text);
  }

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.read_end, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.write_end, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.write_end, STDERR_FILENO);
  if (!invocation.directory.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&actions, invocation.directory.c_str());
  }
  // The command must find signals as a shell leaves them, not as the tests do.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&defaults, number);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const std::string program = arguments.front();
  const int error = ::posix_spawnp(&pid_, program.c_str(), &actions, &attributes, pointers(arguments).data(),
                                   pointers(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  close_end(in.read_end);
  close_end(out.write_end);
  close_end(err.write_end);
  in_ = in.write_end;
  out_ = out.read_end;
  err_ = err.read_end;
  if (error != 0) throw std::runtime_error("can't start " + program + ": " + std::strerror(error));
  ::fcntl(in_, F_SETFL, O_NONBLOCK);
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (int* const descriptor : {&in_, &out_, &err_}) close_end(*descriptor);
}

void Process::send_signal(int number) const {
  ::kill(pid_, number);
}

void Process::wait_until_input_is_read() {
  const ssize_t written = ::write(in_, input_.data(), input_.size());
  if (written != static_cast<ssize_t>(input_.size())) throw std::runtime_error("the input doesn't fit into a pipe");
  input_.clear();
  // A pipe can't tell its writer that it is empty, but it can be asked. An error means that its reader is gone.
  for (int left = 1; left > 0;) {
    pollfd reader{.fd = in_, .events = 0, .revents = 0};
    if (::poll(&reader, 1, 1) != 0 || ::ioctl(in_, FIONREAD, &left) != 0) return;
  }
}

void Process::wait_for_output() const {
  pollfd output{.fd = out_, .events = POLLIN, .revents = 0};
  while (::poll(&output, 1, -1) < 0 && errno == EINTR) continue;
}

Finished Process::finish() {
  Finished finished;
  std::string_view rest = input_;
  while (out_ >= 0 || err_ >= 0) {
    if (rest.empty() && !hold_input_open_) close_end(in_);
    // poll ignores negative descriptors.
    std::array<pollfd, 3> descriptors{pollfd{.fd = rest.empty() ? -1 : in_, .events = POLLOUT, .revents = 0},
                                      pollfd{.fd = out_, .events = POLLIN, .revents = 0},
                                      pollfd{.fd = err_, .events = POLLIN, .revents = 0}};
    // One that never ends would keep all tests from ending.
    constexpr int kPatienceMs = 300'000;
    const int ready = ::poll(descriptors.data(), descriptors.size(), kPatienceMs);
    if (ready == 0) ::kill(pid_, SIGKILL);
    if (ready <= 0) continue;
    if (descriptors[0].revents != 0) {
      const ssize_t n = ::write(in_, rest.data(), rest.size());
      rest.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : errno == EAGAIN ? 0 : rest.size());
    }
    if (descriptors[1].revents != 0) drain(out_, finished.out);
    if (descriptors[2].revents != 0) drain(err_, finished.err);
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = -1;
  if (WIFEXITED(status)) finished.exit_code = WEXITSTATUS(status);
  return finished;
}

Finished run_silhouette(Invocation invocation) {
  return Process(std::move(invocation)).finish();
}

Finished run_silhouette(std::vector<std::string> arguments) {
  Invocation invocation;
  invocation.arguments = std::move(arguments);
  return run_silhouette(std::move(invocation));
}

}  // namespace silhouette::test
