#pragma once

#include <cstdint>

namespace silhouette {

/// What the native engine trades. The other engine has no such choice.
enum class MemoryUse : std::uint8_t {
  kDefault,  ///< fastest: some convolutions' weights are kept transformed, at up to four times their size
  kLow,      ///< weights cost what they cost in the file
};

/// How an image is brought to the model's size. Both ignore its aspect, as the reference implementation does.
enum class ResizeFilter : std::uint8_t {
  kAntialias,  ///< bilinear, widened when shrinking: torchvision's `resize(antialias=True)` on uint8
  kLinear,     ///< plain bilinear: OpenCV's `INTER_LINEAR` on uint8
};

}  // namespace silhouette
