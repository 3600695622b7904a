#pragma once

#include <array>

namespace silhouette {

/// Per-channel normalisation of the input, RGB on the scale 0…1: `(pixel / 255 − mean) / std`.
struct Normalization {
  std::array<float, 3> mean{0.0F, 0.0F, 0.0F};  ///< each within −4…4: not on the scale 0…255
  std::array<float, 3> std{1.0F, 1.0F, 1.0F};   ///< each > 0 and ≤ 16
};

}  // namespace silhouette
