// A target without libFuzzer, for whatever compiler builds the tests: tries each file that it is given, some spoilt
// copies of it, and inputs of random bytes.
//
//   fuzz_NAME HOW_MANY FILE_OR_FOLDER…
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <vector>

#include "fuzz/input.hpp"
#include "support/support.hpp"

namespace {

using Bytes = std::vector<std::byte>;

constexpr std::size_t kMostRandomBytes = 300;

std::vector<std::filesystem::path> files_in(std::span<char*> paths) {
  std::vector<std::filesystem::path> files;
  for (const char* const path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.emplace_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

void flip(Bytes& bytes, std::mt19937& random) {
  if (bytes.empty()) return;
  for (auto flips = 1 + random() % 4; flips > 0; --flips)
    bytes[random() % bytes.size()] ^= std::byte(1U << random() % 8);
  if (random() % 8 == 0) bytes.resize(random() % bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s HOW_MANY FILE_OR_FOLDER...\n", argv[0]);
    return 2;
  }
  const std::span arguments(argv + 1, static_cast<std::size_t>(argc) - 1);
  const auto files = files_in(arguments.subspan(1));
  const auto random_inputs = std::strtoul(arguments[0], nullptr, 10);
  // The same inputs every time: what is new is the fuzzer's part.
  std::mt19937 random;  // NOLINT(cert-msc32-c,cert-msc51-cpp,bugprone-random-generator-seed)
  for (const auto& file : files) {
    std::printf("%s\n", file.c_str());
    const Bytes whole = silhouette::test::read_bytes(file);
    silhouette::fuzz::try_input(whole);
    for (auto i = random_inputs / files.size(); i > 0; --i) {
      Bytes spoilt = whole;
      flip(spoilt, random);
      silhouette::fuzz::try_input(spoilt);
    }
  }
  for (auto i = random_inputs; i > 0; --i) {
    Bytes bytes(random() % kMostRandomBytes);
    std::ranges::generate(bytes, [&] { return std::byte(random() & 0xffU); });
    silhouette::fuzz::try_input(bytes);
  }
  return 0;
}
