#pragma once

#include <cstdint>
#include <vector>

namespace silhouette::formats {

/// Element types that matter here; all others are kOther.
enum class ScalarType : std::uint8_t {
  kFloat,
  kDouble,
  kHalf,
  kBFloat16,
  kInt64,
  kInt32,
  kInt8,
  kUint8,
  kBool,
  kOther
};

/// Shape and type of a network's input or output, as the file declares it.
struct TensorInfo {
  std::vector<std::int64_t> sizes;
  std::vector<std::uint8_t> dim_order;  ///< empty means contiguous
  ScalarType type = ScalarType::kFloat;
  std::int64_t classes = 0;  ///< of an output that an argmax made: of how many numbers it is one; 0: not known
};

}  // namespace silhouette::formats
