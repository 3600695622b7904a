#pragma once

#include <cstddef>
#include <cstdint>

namespace silhouette::pte {

// What a model file may ask for. Far above every network for segmentation, and low enough that no file makes the
// process allocate or compute without end.

inline constexpr std::size_t kMaxMethods = 256;
inline constexpr std::size_t kMaxNameBytes = 255;      ///< of methods, operators, backends and keys
inline constexpr std::size_t kMaxTextBytes = 1 << 20;  ///< of one metadata text
inline constexpr std::size_t kMaxValues = 1 << 16;     ///< of one method or one delegate's graph
inline constexpr std::size_t kMaxInstructions = 1 << 16;
inline constexpr std::size_t kMaxDelegates = 4096;
inline constexpr std::size_t kMaxListItems = 4096;         ///< of one list, or arguments of one call
inline constexpr std::size_t kMaxTotalItems = 1 << 20;     ///< of all lists, or arguments of all calls, of a method
inline constexpr std::size_t kMaxMetadataBytes = 4 << 20;  ///< of all metadata texts together
inline constexpr std::size_t kMaxScales = 1 << 22;         ///< per-channel scales of one delegate
inline constexpr std::size_t kMaxSegments = 1 << 17;

inline constexpr std::size_t kMaxRank = 16;       ///< ExecuTorch's kTensorDimensionLimit
inline constexpr std::size_t kMaxXnnRank = 6;     ///< XNNPACK's XNN_MAX_TENSOR_DIMS
inline constexpr std::size_t kMaxExterns = 4096;  ///< inputs and outputs of one delegate, as ExecuTorch's own limit

inline constexpr std::uint64_t kMaxFlatbufferBytes = (std::uint64_t{1} << 31) - 1;  ///< FlatBuffers' own limit
inline constexpr std::uint64_t kMaxPlannedBytes = std::uint64_t{4} << 30;           ///< all planned buffers together
inline constexpr std::uint64_t kMaxWorkspaceBytes = std::uint64_t{4} << 30;    ///< values alive at once in a delegate
inline constexpr std::uint64_t kMaxPackedBytes = std::uint64_t{4} << 30;       ///< packed weights of a delegate
inline constexpr std::uint64_t kMaxIndirectionBytes = std::uint64_t{1} << 30;  ///< address table of one sliding window
inline constexpr std::uint64_t kMaxMultiplyAdds = std::uint64_t{1} << 43;      ///< of one delegate's convolutions
inline constexpr std::uint32_t kMaxWindowParameter = 1 << 14;  ///< kernel size, stride, dilation or padding, pixels

}  // namespace silhouette::pte
