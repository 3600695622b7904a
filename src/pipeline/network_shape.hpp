#pragma once

#include <cstddef>
#include <string_view>

#include "engine/engine.hpp"
#include "formats/pte/program.hpp"

namespace silhouette {

/// Reads a segmentation network's shape from its program: one float image 1 × 3 × height × width, each in either dim
/// order, or the same without the first dimension; and a map of these kinds:
///   1 × classes × height × width floats, or without the first dimension as the image has none;
///   1 × height × width × classes floats, if the first reading doesn't have the image's aspect and this has;
///   1 × 1 × height × width or 1 × height × width int32 or int64: numbers of classes.
/// Of several outputs that are maps it is the one with `labels` classes (0: not known), or the largest, or the first.
/// kUnsupportedModel says what is different; `name` stands for the model.
Result<NetworkShape> network_shape(const pte::Program& program, std::string_view name, std::size_t labels = 0);

}  // namespace silhouette
