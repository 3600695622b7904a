#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

namespace silhouette::tools {

/// Largest file that a skeleton may describe.
inline constexpr std::uint64_t kMaxSynthesizedSize = std::uint64_t{1} << 30;

/// What a skeleton says about the file that it stands for.
struct SkeletonInfo {
  std::string name;
  std::string exporter;              ///< for example "executorch 1.5.1"
  std::string golden;                ///< folder below tests/golden/ with PyTorch's results for this network
  std::string sha256;                ///< of the whole file, lower-case hexadecimal
  std::uint64_t size = 0;            ///< of the whole file, in bytes
  std::vector<std::uint64_t> input;  ///< shape, NCHW
};

/// Reads the manifest. The error says what is wrong with it.
std::expected<SkeletonInfo, std::string> read_skeleton_info(std::span<const std::byte> skeleton);

/// The whole .pte: the bytes that the skeleton keeps, and filters of `gain[channel] * hash_random(seed, i)` between
/// them. The checksum is not verified here. The format is described in tools/export/README.md. Thread-safe.
std::expected<std::vector<std::byte>, std::string> synthesize(std::span<const std::byte> skeleton);

}  // namespace silhouette::tools
