#include "files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "signals.hpp"

namespace silhouette::cli {
namespace {

namespace fs = std::filesystem;

/// A descriptor that is closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const { return number_; }
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

std::unexpected<Error> system_error(const char* verb, const fs::path& path, int number) {
  const auto code = number == ENOENT || number == ENOTDIR ? ErrorCode::kFileNotFound : ErrorCode::kIoError;
  return fail(code, fmt::format("can't {} '{}': {}", verb, path.string(), std::generic_category().message(number)));
}

Result<void> write_special(const fs::path& path, std::span<const std::span<const std::byte>> parts) {
  // Opening a pipe waits for a reader, and writing to it for one that reads: no signal would end that.
  std::array<pollfd, 2> descriptors{pollfd{.fd = -1, .events = POLLOUT, .revents = 0},
                                    pollfd{.fd = Signals::wake_descriptor(), .events = POLLIN, .revents = 0}};
  const auto given_up = [&](int milliseconds) {
    ::poll(descriptors.data(), descriptors.size(), milliseconds);
    return descriptors[1].revents != 0;
  };
  const auto cancelled = [&] {
    return fail(ErrorCode::kCancelled, fmt::format("cancelled while writing '{}'", path.string()));
  };
  constexpr int kReaderWait = 50;
  int number = -1;
  while ((number = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
    if (errno != ENXIO || !fs::is_fifo(path)) return system_error("write", path, errno);
    if (given_up(kReaderWait)) return cancelled();
  }
  Descriptor file(number);
  descriptors[0].fd = number;
  for (auto rest : parts) {
    while (!rest.empty()) {
      const ssize_t n = ::write(file.get(), rest.data(), rest.size());
      if (n >= 0) {
        rest = rest.subspan(static_cast<std::size_t>(n));
      } else if (errno == EAGAIN) {
        if (given_up(-1)) return cancelled();
      } else if (errno != EINTR) {
        return system_error("write", path, errno);
      }
    }
  }
  return {};
}

}  // namespace

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd writable{.fd = descriptor, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void reserve_standard_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is taken. Using it the other way round fails, as it would without it.
    if (::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) != number) return;
  }
}

bool is_in_system_folder(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error).lexically_normal();
  const std::string text = error ? path.string() : whole.string();
  return text.starts_with("/dev/") || text.starts_with("/proc/");
}

bool is_stream(const fs::path& path) {
  std::error_code error;
  const auto type = fs::status(path, error).type();
  return type == fs::file_type::fifo || type == fs::file_type::character;
}

fs::path resolved(const fs::path& path) {
  std::error_code error;
  fs::path at = path;
  // As many links as the kernel follows.
  for (int links = 0; links < 40 && fs::is_symlink(at, error); ++links) {
    const fs::path target = fs::read_symlink(at, error);
    if (error) return path;
    at = target.is_absolute() ? target : at.parent_path() / target;
  }
  fs::path whole = fs::weakly_canonical(fs::absolute(at, error), error);
  return error ? path : whole;
}

Result<void> write_file(const fs::path& path, std::span<const std::span<const std::byte>> parts) {
  std::error_code error;
  fs::path target = path;
  if (const auto status = fs::status(path, error); fs::exists(status)) {
    if (fs::is_directory(status)) return system_error("write", path, EISDIR);
    if (!fs::is_regular_file(status) || is_in_system_folder(path)) return write_special(path, parts);
  } else if (error && status.type() == fs::file_type::none) {
    return system_error("write", path, error.value());
  }
  if (fs::is_symlink(path, error)) target = resolved(path);
  static std::atomic<unsigned> counter{0};
  const fs::path temporary = target.parent_path() / fmt::format(".silhouette-{}-{}.tmp", ::getpid(), counter++);
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0) return system_error("write", path, errno);
  const auto written = [&] {
    for (const auto part : parts) {
      if (!write_all(file.get(), part)) return false;
    }
    return file.close() && ::rename(temporary.c_str(), target.c_str()) == 0;
  };
  if (!written()) {
    const int number = errno;
    ::unlink(temporary.c_str());
    return system_error("write", path, number);
  }
  return {};
}

Result<void> make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return system_error("make the folder", path, error.value());
  if (!fs::is_directory(path, error)) return system_error("make the folder", path, ENOTDIR);
  return {};
}

Result<std::string> read_text_file(const fs::path& path, std::uint64_t max_bytes) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return system_error("read", path, errno);
  std::string text;
  std::array<char, 1 << 14> chunk{};
  while (true) {
    const ssize_t n = ::read(file.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error("read", path, errno);
    if (n == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(n));
    if (text.size() > max_bytes) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("'{}' has more than {} bytes; is it the right file?", path.string(), max_bytes));
    }
  }
}

std::string shown_stream(const std::string& path) {
  return path == "-" ? "standard input" : fmt::format("'{}'", path);
}

Result<std::vector<std::byte>> read_stream(const std::string& path, std::uint64_t max_bytes, int wake_descriptor) {
  const bool standard_input = path == "-";
  const std::string what = shown_stream(path);
  // Opening a pipe waits for a writer, and no signal would end that.
  Descriptor file(standard_input ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                 : ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  const auto failed = [&](int number) {
    return fail(ErrorCode::kIoError, fmt::format("can't read {}: {}", what, std::generic_category().message(number)));
  };
  if (file.get() < 0) return failed(errno);
  std::vector<std::byte> bytes;
  std::vector<std::byte> chunk(std::size_t{1} << 16);
  std::array<pollfd, 2> descriptors{pollfd{.fd = file.get(), .events = POLLIN, .revents = 0},
                                    pollfd{.fd = wake_descriptor, .events = POLLIN, .revents = 0}};
  while (true) {
    if (::poll(descriptors.data(), descriptors.size(), -1) < 0 && errno != EINTR) return failed(errno);
    if (descriptors[1].revents != 0)
      return fail(ErrorCode::kCancelled, fmt::format("cancelled while reading {}", what));
    if (descriptors[0].revents == 0) continue;
    const ssize_t n = ::read(file.get(), chunk.data(), chunk.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return failed(errno);
    if (n == 0 && bytes.empty()) {
      return fail(ErrorCode::kInvalidImage,
                  what + (standard_input ? ": nothing came; pipe an image into it: … | silhouette segment -"
                                         : ": nothing came"));
    }
    if (n == 0) return bytes;
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + n);
    if (bytes.size() > max_bytes) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("{}: more than {} bytes, the limit for an image", what, max_bytes));
    }
  }
}

}  // namespace silhouette::cli
