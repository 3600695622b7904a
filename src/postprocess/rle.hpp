#pragma once

#include <cstdint>
#include <span>

#include "silhouette/error.hpp"
#include "silhouette/shapes.hpp"

namespace silhouette {

/// Run lengths of the pixels of a row-major class map that are `value`. kInvalidArgument if there aren't width × height
/// classes, kLimitExceeded above the size of an image.
Result<Rle> class_rle(std::span<const std::int32_t> classes, int width, int height, std::int32_t value);

}  // namespace silhouette
