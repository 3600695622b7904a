#include "engine/native/packed_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace silhouette::native {
namespace {

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::array<char, 8> kMagic{'S', 'I', 'L', 'P', 'A', 'C', 'K', '2'};
/// What a thread sums at a time. Part of the format.
constexpr std::size_t kChunk = std::size_t{1} << 18;

/// Of a file: what follows is the key, filled up with zeros.
struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint64_t floats = 0;
  std::uint64_t checksum = 0;
  std::uint64_t key_bytes = 0;
};

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15ULL;
  return std::rotl((hash ^ value) * kOdd, 29);
}

/// Two words that are added at once: as every x86-64 and arm64 has them.
using Words [[gnu::vector_size(16)]] = std::uint64_t;

/// Fletcher's checksum in lanes of 64 bits: sums, and sums of the sums, which tell where a value stood. Two additions a
/// word, so that memory is what it waits for.
std::uint64_t chunk_sum(std::span<const float> floats) {
  constexpr std::size_t kVectors = 4;
  std::array<Words, kVectors> sums{};
  std::array<Words, kVectors> places{};
  const auto add = [&](const std::byte* block) {
    for (std::size_t i = 0; i < kVectors; ++i) {
      Words words;
      std::memcpy(&words, block + i * sizeof words, sizeof words);
      sums[i] += words;
      places[i] += sums[i];
    }
  };
  constexpr std::size_t kBlock = kVectors * sizeof(Words);
  const auto bytes = std::as_bytes(floats);
  std::size_t at = 0;
  for (; at + kBlock <= bytes.size(); at += kBlock) add(bytes.data() + at);
  std::array<std::byte, kBlock> rest{};
  std::memcpy(rest.data(), bytes.data() + at, bytes.size() - at);
  add(rest.data());
  std::uint64_t hash = bytes.size();
  for (std::size_t i = 0; i < kVectors; ++i) {
    for (const int lane : {0, 1}) hash = mix(mix(hash, sums[i][lane]), places[i][lane]);
  }
  return hash;
}

std::uint64_t checksum(std::span<const float> floats, ThreadPool& pool) {
  std::vector<std::uint64_t> sums((floats.size() + kChunk - 1) / kChunk);
  pool.parallel_for(sums.size(), [&](std::size_t i, std::size_t /*worker*/) {
    const auto first = i * kChunk;
    sums[i] = chunk_sum(floats.subspan(first, std::min(kChunk, floats.size() - first)));
  });
  std::uint64_t hash = floats.size();
  for (const std::uint64_t sum : sums) hash = mix(hash, sum);
  return hash;
}

/// The first page; nothing if the key is too long for it.
std::optional<std::array<std::byte, kHeaderBytes>> make_header(std::string_view key, std::size_t count,
                                                               std::uint64_t sum) {
  if (key.size() > kHeaderBytes - sizeof(Header)) return std::nullopt;
  std::array<std::byte, kHeaderBytes> page{};
  const Header header{.magic = kMagic, .floats = count, .checksum = sum, .key_bytes = key.size()};
  std::memcpy(page.data(), &header, sizeof header);
  std::memcpy(page.data() + sizeof header, key.data(), key.size());
  return page;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

/// Whether the file may be written to: a fresh one or a leftover of this user's, which nobody else is writing to now.
bool take(int fd, const std::string& path) {
  if (fd < 0 || ::flock(fd, LOCK_EX | LOCK_NB) != 0) return false;
  struct stat opened{};
  struct stat named{};
  // Another one may have finished and renamed it before it was locked here.
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev && S_ISREG(opened.st_mode) && opened.st_uid == ::geteuid() &&
         opened.st_nlink == 1 && ::fchmod(fd, S_IRUSR | S_IWUSR) == 0 && ::ftruncate(fd, 0) == 0;
}

}  // namespace

std::optional<PackedFile> open_packed(const std::filesystem::path& path, std::string_view key, std::size_t count,
                                      ThreadPool& pool) {
  auto file = MappedFile::open_private(path, kHeaderBytes + count * sizeof(float));
  if (!file) return std::nullopt;
  const auto bytes = file->bytes();
  if (bytes.size() != kHeaderBytes + count * sizeof(float)) return std::nullopt;
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto wanted = make_header(key, count, header.checksum);
  if (!wanted || std::memcmp(bytes.data(), wanted->data(), kHeaderBytes) != 0) return std::nullopt;
  const std::span floats(reinterpret_cast<const float*>(bytes.data() + kHeaderBytes), count);
  if (checksum(floats, pool) != header.checksum) return std::nullopt;
  return PackedFile{.file = std::move(*file), .weights = floats};
}

void write_packed(const std::filesystem::path& path, std::string_view key, std::span<const float> weights,
                  ThreadPool& pool) {
  const auto header = make_header(key, weights.size(), checksum(weights, pool));
  if (!header) return;
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) return;
  const std::string part = path.string() + ".part";
  const Descriptor file(
      ::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, S_IRUSR | S_IWUSR));
  if (!take(file.get(), part)) return;
  // Read-only, so that nobody cuts it short by mistake while it is mapped. Synced like every file that is renamed into
  // place: after a crash there is all of it or nothing.
  const bool written = write_all(file.get(), *header) && write_all(file.get(), std::as_bytes(weights)) &&
                       ::fchmod(file.get(), S_IRUSR) == 0 && ::fsync(file.get()) == 0 &&
                       ::rename(part.c_str(), path.c_str()) == 0;
  if (!written) ::unlink(part.c_str());
}

namespace {

class FileOfWeights final : public KeptWeights {
 public:
  explicit FileOfWeights(std::filesystem::path path) : path_(std::move(path)) {}

  std::optional<std::span<const float>> find(std::string_view key, std::size_t count, ThreadPool& pool) override {
    file_ = open_packed(path_, key, count, pool);
    if (!file_) return std::nullopt;
    return file_->weights;
  }

  void keep(std::string_view key, std::span<const float> weights, ThreadPool& pool) override {
    write_packed(path_, key, weights, pool);
  }

 private:
  std::filesystem::path path_;
  std::optional<PackedFile> file_;
};

}  // namespace

std::shared_ptr<KeptWeights> kept_in_file(const std::filesystem::path& path) {
  return std::make_shared<FileOfWeights>(path);
}

}  // namespace silhouette::native
