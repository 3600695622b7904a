#include "base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace silhouette {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

std::unexpected<Error> system_error(const std::filesystem::path& path, const char* verb) {
  const int number = errno;
  if (number == ENOMEM) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("no memory to {} '{}'; end other programs", verb, path.string()));
  }
  const auto code = number == ENOENT || number == ENOTDIR ? ErrorCode::kFileNotFound : ErrorCode::kIoError;
  return fail(code, fmt::format("can't {} '{}': {}", verb, path.string(), std::strerror(number)));
}

struct OpenFile {
  Descriptor descriptor;
  std::size_t size;
};

bool is_private(const struct stat& status) noexcept {
  const bool owned = status.st_uid == ::geteuid() || status.st_uid == 0;
  // Users have a group of their own on many systems, with a umask that lets it write.
  const bool group_writes = (status.st_mode & S_IWGRP) != 0 && status.st_gid != ::getegid();
  return S_ISREG(status.st_mode) && owned && !group_writes && (status.st_mode & S_IWOTH) == 0;
}

Result<OpenFile> open_regular(const std::filesystem::path& path, std::uint64_t max_bytes, bool only_private = false) {
  // O_NONBLOCK: opening a named pipe without a writer must not hang; on regular files it has no effect.
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | (only_private ? O_NOFOLLOW : 0)));
  if (descriptor.get() < 0) return system_error(path, "open");
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0) return system_error(path, "read");
  if (S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::kIoError, fmt::format("'{}' is a directory; give a file", path.string()));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kIoError, fmt::format("'{}' is not a regular file; copy it to one first", path.string()));
  }
  if (only_private && !is_private(status)) {
    return fail(ErrorCode::kIoError, fmt::format("'{}' can be changed by other users", path.string()));
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > max_bytes) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("'{}' has {} bytes, the limit is {}", path.string(), size, max_bytes));
  }
  return OpenFile{std::move(descriptor), static_cast<std::size_t>(size)};
}

/// How many bytes there were: fewer than `bytes` takes if the file shrank.
Result<std::size_t> read_all(const Descriptor& descriptor, std::span<std::byte> bytes,
                             const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(descriptor.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "read");
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

}  // namespace

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  auto file = open_regular(path, max_bytes);
  if (!file) return std::unexpected(std::move(file.error()));
  std::vector<std::byte> bytes(file->size);
  const auto size = read_all(file->descriptor, bytes, path);
  if (!size) return std::unexpected(size.error());
  bytes.resize(*size);
  return bytes;
}

Result<AlignedBuffer<std::byte>> read_large_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  auto file = open_regular(path, max_bytes);
  if (!file) return std::unexpected(std::move(file.error()));
  auto bytes = AlignedBuffer<std::byte>::create(file->size, "a file");
  if (!bytes) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("no memory for the {} bytes of '{}'; use a smaller file, or end other programs", file->size,
                            path.string()));
  }
  const auto size = read_all(file->descriptor, bytes->span(), path);
  if (!size) return std::unexpected(size.error());
  if (*size != bytes->size()) {
    return fail(ErrorCode::kIoError, fmt::format("'{}' became shorter while it was read: {} of {} bytes; try again",
                                                 path.string(), *size, bytes->size()));
  }
  return bytes;
}

Result<void> read_blocks(const std::filesystem::path& path, std::uint64_t max_bytes,
                         const std::function<void(std::span<const std::byte>)>& take) {
  auto file = open_regular(path, max_bytes);
  if (!file) return std::unexpected(std::move(file.error()));
  constexpr std::size_t kBlock = 1 << 18;
  std::vector<std::byte> block(kBlock);
  for (;;) {
    const auto size = read_all(file->descriptor, block, path);
    if (!size) return std::unexpected(size.error());
    take(std::span(block).first(*size));
    if (*size < block.size()) return {};
  }
}

std::error_code visit_folder(const std::filesystem::path& folder,
                             const std::function<bool(const std::filesystem::path&)>& visit) {
  const auto last_error = [] { return std::error_code(errno, std::generic_category()); };
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> directory(::opendir(folder.c_str()));
  if (!directory) return last_error();
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) return last_error();
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !visit(folder / name)) return {};
  }
}

void discard_pages(std::span<const std::byte> bytes) noexcept {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const auto first = (begin + page - 1) / page * page;
  const auto last = (begin + bytes.size()) / page * page;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): pages are numbers
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

Result<void> write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  // Not mkstemp: its files are private to the user, and changing that needs the umask, which only a race can read.
  static std::atomic<unsigned> counter{0};
  const std::string temporary = fmt::format("{}.{}-{}.tmp", path.string(), ::getpid(), counter.fetch_add(1));
  Descriptor descriptor(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (descriptor.get() < 0) return system_error(path, "write");
  const auto give_up = [&] {
    auto error = system_error(path, "write");
    ::unlink(temporary.c_str());
    return error;
  };
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(descriptor.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return give_up();
    done += static_cast<std::size_t>(n);
  }
  if (::fsync(descriptor.get()) != 0 || !descriptor.close() || ::rename(temporary.c_str(), path.c_str()) != 0) {
    return give_up();
  }
  return {};
}

bool is_private_file(const std::filesystem::path& path) noexcept {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && is_private(status);
}

Result<MappedFile> MappedFile::open(const std::filesystem::path& path, std::uint64_t max_bytes) {
  return map(path, max_bytes, false);
}

Result<MappedFile> MappedFile::open_private(const std::filesystem::path& path, std::uint64_t max_bytes) {
  return map(path, max_bytes, true);
}

Result<MappedFile> MappedFile::map(const std::filesystem::path& path, std::uint64_t max_bytes, bool only_private) {
  auto file = open_regular(path, max_bytes, only_private);
  if (!file) return std::unexpected(std::move(file.error()));
  MappedFile mapped;
  if (file->size == 0) return mapped;
  void* const address = ::mmap(nullptr, file->size, PROT_READ, MAP_PRIVATE, file->descriptor.get(), 0);
  if (address == MAP_FAILED) return system_error(path, "map");
  mapped.data_ = static_cast<const std::byte*>(address);
  mapped.size_ = file->size;
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::drop_pages() const noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): madvise takes void*
  if (data_ != nullptr) ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);  // NOLINT: munmap takes void*
}

}  // namespace silhouette
