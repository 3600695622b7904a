#include "engine/native/packed_file.hpp"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

namespace silhouette::native {
namespace {

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::array<char, 8> kMagic{'S', 'I', 'L', 'P', 'A', 'C', 'K', '1'};

/// Of a file: what follows is the key, filled up with zeros.
struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint64_t floats = 0;
  std::uint64_t key_bytes = 0;
};

/// The first page; nothing if the key is too long for it.
std::optional<std::array<std::byte, kHeaderBytes>> make_header(std::string_view key, std::size_t count) {
  if (key.size() > kHeaderBytes - sizeof(Header)) return std::nullopt;
  std::array<std::byte, kHeaderBytes> page{};
  const Header header{.magic = kMagic, .floats = count, .key_bytes = key.size()};
  std::memcpy(page.data(), &header, sizeof header);
  std::memcpy(page.data() + sizeof header, key.data(), key.size());
  return page;
}

struct Close {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

std::optional<PackedFile> open_packed(const std::filesystem::path& path, std::string_view key, std::size_t count) {
  const auto header = make_header(key, count);
  if (!header) return std::nullopt;
  auto file = MappedFile::open(path, kHeaderBytes + count * sizeof(float));
  if (!file) return std::nullopt;
  const auto bytes = file->bytes();
  if (bytes.size() != kHeaderBytes + count * sizeof(float) ||
      std::memcmp(bytes.data(), header->data(), kHeaderBytes) != 0) {
    return std::nullopt;
  }
  const auto* const floats = reinterpret_cast<const float*>(bytes.data() + kHeaderBytes);
  return PackedFile{.file = std::move(*file), .weights = {floats, count}};
}

void write_packed(const std::filesystem::path& path, std::string_view key, std::span<const float> weights) {
  const auto header = make_header(key, weights.size());
  if (!header) return;
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) return;
  std::string temporary = path.string() + ".XXXXXX";
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0) return;
  const std::unique_ptr<std::FILE, Close> file(fdopen(descriptor, "wb"));
  // Synced like every file that is renamed into place: after a crash there is all of it or nothing.
  const bool written = file != nullptr && std::fwrite(header->data(), 1, kHeaderBytes, file.get()) == kHeaderBytes &&
                       std::fwrite(weights.data(), sizeof(float), weights.size(), file.get()) == weights.size() &&
                       std::fflush(file.get()) == 0 && fsync(descriptor) == 0 &&
                       std::rename(temporary.c_str(), path.c_str()) == 0;
  if (!written) std::remove(temporary.c_str());
}

}  // namespace silhouette::native
