#include "support/support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>

#include "base/file.hpp"

namespace silhouette::test {
namespace {

template <typename T>
Npy<T> read_npy(const std::filesystem::path& path, std::string_view descr) {
  const auto bytes = read_bytes(path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < 10 || text.substr(0, 6) != std::string_view("\x93NUMPY", 6) || text[6] != 1) {
    throw std::runtime_error(path.string() + ": not a version 1 .npy file");
  }
  const std::size_t header_size = static_cast<std::uint8_t>(text[8]) + 256U * static_cast<std::uint8_t>(text[9]);
  const auto header = text.substr(10, header_size);
  if (header.find(descr) == header.npos || header.find("'fortran_order': False") == header.npos) {
    throw std::runtime_error(fmt::format("{}: not a C-order {} array: {}", path.string(), descr, header));
  }
  Npy<T> array;
  std::size_t count = 1;
  const auto open = header.find('(');
  std::string dims(header.substr(open + 1, header.find(')') - open - 1));
  for (char* at = dims.data(); *at != '\0';) {
    char* end = nullptr;
    const auto dim = std::strtoull(at, &end, 10);
    if (end == at) break;
    array.shape.push_back(dim);
    count *= dim;
    at = end + std::strspn(end, ", ");
  }
  const auto body = text.substr(10 + header_size);
  if (body.size() != count * sizeof(T)) throw std::runtime_error(path.string() + ": wrong length");
  array.values.resize(count);
  std::memcpy(array.values.data(), body.data(), body.size());
  return array;
}

}  // namespace

std::filesystem::path source_file(std::string_view relative) {
  return std::filesystem::path(SILHOUETTE_SOURCE_DIR) / relative;
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  auto bytes = read_file(path, UINT64_MAX);
  if (!bytes) throw std::runtime_error(bytes.error().message);
  return std::move(*bytes);
}

ScratchFolder::ScratchFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "silhouette-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("can't make a scratch folder in " + pattern);
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Npy<float> read_npy_float(const std::filesystem::path& path) {
  return read_npy<float>(path, "'<f4'");
}
Npy<std::int32_t> read_npy_int32(const std::filesystem::path& path) {
  return read_npy<std::int32_t>(path, "'<i4'");
}

std::uint64_t test_seed() {
  static const std::uint64_t seed = [] {
    const char* const text = std::getenv("SILHOUETTE_TEST_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
  }();
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  fmt::print("random seed {}; SILHOUETTE_TEST_SEED={} replays this run\n", seed, seed);
  return seed;
}

}  // namespace silhouette::test
