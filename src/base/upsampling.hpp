#pragma once

namespace silhouette {

/// The bilinear interpolation to height × width that a network ends with, where an engine leaves it to who reads the
/// output: PyTorch's `interpolate(mode="bilinear")`, edges clamped, no antialiasing when it shrinks.
struct Upsampling {
  int height = 0;  ///< pixels, ≥ 1
  int width = 0;   ///< likewise
  /// How positions map to the input's: with `align_corners` the centres of the corner pixels meet, position i samples
  /// at i (in − 1) / (out − 1), at 0 if out is 1; otherwise the pixels' outer edges meet (half-pixel centres), at (i +
  /// ½) in / out − ½.
  bool aligned_corners = false;
};

}  // namespace silhouette
