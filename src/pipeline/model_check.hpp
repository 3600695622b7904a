#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "silhouette/error.hpp"

namespace silhouette {

/// Whether the bytes are a whole model file: its head, its structure and the place of everything in it. What the parts
/// hold isn't looked at. `name` is for messages. kInvalidModel.
Result<void> check_model_file(std::span<const std::byte> file, std::string_view name);

}  // namespace silhouette
