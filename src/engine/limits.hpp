#pragma once

#include <cstdint>

namespace silhouette {

/// Largest input and output of a network: no segmentation network comes near, and products of four sides fit in 64
/// bits.
inline constexpr std::int64_t kMaxNetworkSide = 16'384;
inline constexpr std::int64_t kMaxNetworkValues = 1LL << 30;

}  // namespace silhouette
