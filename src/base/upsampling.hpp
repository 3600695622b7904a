#pragma once

namespace silhouette {

/// A bilinear resize of logits that has yet to be done: PyTorch's `interpolate`.
struct Upsampling {
  int height = 0;
  int width = 0;
  bool aligned_corners = false;  ///< the corner pixels' centres stay in place; otherwise pixels are areas
};

}  // namespace silhouette
