#pragma once

#include <cstddef>
#include <cstdint>

namespace silhouette::formats {

// What a model file of any format may ask for. Far above every network for segmentation, and low enough that no file
// makes the process allocate or compute without end.

inline constexpr std::size_t kMaxNameBytes = 255;          ///< of operators and whatever else has a name
inline constexpr std::size_t kMaxMetadataBytes = 4 << 20;  ///< of all metadata texts together
inline constexpr std::size_t kMaxSteps = 1 << 16;          ///< of one network
inline constexpr std::size_t kMaxRank = 16;
inline constexpr std::uint64_t kMaxPackedBytes = std::uint64_t{4} << 30;   ///< weights as engines pack them
inline constexpr std::uint64_t kMaxMultiplyAdds = std::uint64_t{1} << 43;  ///< of one network
inline constexpr std::uint32_t kMaxWindowParameter = 1 << 14;  ///< kernel size, stride, dilation or padding, pixels

}  // namespace silhouette::formats
