#pragma once

#include <cstddef>
#include <cstdint>

#include "formats/common/limits.hpp"

namespace silhouette::pte {

using formats::kMaxMetadataBytes;
using formats::kMaxMultiplyAdds;  // of one delegate's convolutions, too
using formats::kMaxNameBytes;
using formats::kMaxPackedBytes;  // of one delegate, too
using formats::kMaxRank;         // ExecuTorch's kTensorDimensionLimit
using formats::kMaxWindowParameter;

// What is asked for in these files only.

inline constexpr std::size_t kMaxMethods = 256;
inline constexpr std::size_t kMaxTextBytes = 1 << 20;  ///< of one metadata text
inline constexpr std::size_t kMaxValues = 1 << 16;     ///< of one method or one delegate's graph
inline constexpr std::size_t kMaxInstructions = 1 << 16;
inline constexpr std::size_t kMaxDelegates = 4096;
inline constexpr std::size_t kMaxListItems = 4096;      ///< of one list, or arguments of one call
inline constexpr std::size_t kMaxTotalItems = 1 << 20;  ///< of all lists, or arguments of all calls, of a method
inline constexpr std::size_t kMaxScales = 1 << 22;      ///< per-channel scales of one delegate
inline constexpr std::size_t kMaxSegments = 1 << 17;

inline constexpr std::size_t kMaxXnnRank = 6;     ///< XNNPACK's XNN_MAX_TENSOR_DIMS
inline constexpr std::size_t kMaxExterns = 4096;  ///< inputs and outputs of one delegate, as ExecuTorch's own limit

inline constexpr std::uint64_t kMaxFlatbufferBytes = (std::uint64_t{1} << 31) - 1;  ///< FlatBuffers' own limit
inline constexpr std::uint64_t kMaxPlannedBytes = std::uint64_t{4} << 30;           ///< all planned buffers together
inline constexpr std::uint64_t kMaxWorkspaceBytes = std::uint64_t{4} << 30;    ///< values alive at once in a delegate
inline constexpr std::uint64_t kMaxIndirectionBytes = std::uint64_t{1} << 30;  ///< address table of one sliding window

}  // namespace silhouette::pte
