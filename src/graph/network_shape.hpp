#pragma once

#include <cstddef>
#include <cstdint>

namespace silhouette {

/// Largest input and output of a network: no segmentation network comes near, and products of four sides fit in 64
/// bits.
inline constexpr std::int64_t kMaxNetworkSide = 16'384;
inline constexpr std::int64_t kMaxNetworkValues = 1LL << (sizeof(std::size_t) > 4 ? 30 : 27);

/// What a network's output is made of: scores of classes, or the numbers of classes that it has decided on itself.
enum class OutputType : std::uint8_t { kFloat, kInt32, kInt64 };

/// Shape of a segmentation network: one float image in, one map out.
struct NetworkShape {
  int input_height = 0;
  int input_width = 0;
  bool input_nhwc = false;    ///< otherwise NCHW
  bool input_batched = true;  ///< four dimensions; otherwise three, without N
  int channels = 0;           ///< of the output
  int output_height = 0;
  int output_width = 0;
  bool output_nhwc = false;                     ///< in the file; engines give planes always
  OutputType output_type = OutputType::kFloat;  ///< in the file; engines give floats always
  std::size_t output_index = 0;                 ///< which of the file's outputs it is
};

}  // namespace silhouette
