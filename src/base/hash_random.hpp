#pragma once

#include <cstdint>

namespace silhouette {

/// Number i of the random sequence `seed`, uniform in [−1, 1) with 24 bits, exact in fp32. SplitMix64 (Steele, Lea,
/// Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014) indexed instead of iterated, so that any part
/// of a sequence can be made alone and tools in other languages make the same one.
[[nodiscard]] constexpr float hash_random(std::uint64_t seed, std::uint64_t i) noexcept {
  std::uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  z ^= z >> 31;
  return static_cast<float>(static_cast<std::int32_t>(z >> 40) - (1 << 23)) * 0x1p-23F;
}

}  // namespace silhouette
