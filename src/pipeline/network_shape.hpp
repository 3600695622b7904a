#pragma once

#include <string_view>

#include "engine/engine.hpp"
#include "formats/pte/program.hpp"

namespace silhouette {

/// Reads a segmentation network's shape from its program: one float input 1 × 3 × height × width and, as its first
/// output, a float map 1 × channels × height × width, each in either dim order. kUnsupportedModel says what is
/// different; `name` stands for the model.
Result<NetworkShape> network_shape(const pte::Program& program, std::string_view name);

}  // namespace silhouette
