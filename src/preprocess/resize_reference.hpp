#pragma once

#include "base/image.hpp"

namespace silhouette {

/// The two filters of `resize_image` in plain loops over whole images, as their definitions read: what the fast passes
/// are tested against.
Image reference_antialias(const Image& image, int width, int height);
Image reference_linear(const Image& image, int width, int height);

}  // namespace silhouette
