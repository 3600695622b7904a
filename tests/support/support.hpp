#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "silhouette/error.hpp"

namespace silhouette::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

/// Whether a sanitizer slows this build down, by ten times or more.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kInstrumented = true;
#else
inline constexpr bool kInstrumented = kThreadSanitizer;
#endif

/// A file of the source tree: `source_file("tests/golden/…")`.
std::filesystem::path source_file(std::string_view relative);

/// The bytes of a file that must be there.
std::vector<std::byte> read_bytes(const std::filesystem::path& path);

/// A folder of its own for one test, removed with all that is in it at the end.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A little-endian C-order array read from a `.npy` file (format of NumPy's NEP 1).
template <typename T>
struct Npy {
  std::vector<std::size_t> shape;
  std::vector<T> values;
};
Npy<float> read_npy_float(const std::filesystem::path& path);
Npy<std::int32_t> read_npy_int32(const std::filesystem::path& path);

/// Samples of a grey PNG, 8-bit values as they are, 16-bit ones likewise.
struct GrayPng {
  int width = 0;
  int height = 0;
  std::vector<std::uint16_t> values;
};
GrayPng read_gray_png(const std::filesystem::path& path);

/// Standard base64 with padding.
std::string encode_base64(std::span<const std::byte> bytes);

/// Seed for random tests: $SILHOUETTE_TEST_SEED, or a new one each run. Printed when the test fails, with how to replay
/// it.
std::uint64_t test_seed();

}  // namespace silhouette::test
