#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "silhouette/segmentation.hpp"

namespace silhouette {

/// Channel that an id names among a model's labels. `DeeplabLabel::kArgmax` and "ARGMAX" name none: −1, unless the
/// model has such a label. kInvalidArgument lists what there is.
Result<int> resolve_class(const ClassId& id, std::span<const std::string> labels);

/// Channels of all ids, ascending and without repeats or −1.
Result<std::vector<int>> resolve_classes(std::span<const ClassId> ids, std::span<const std::string> labels);

}  // namespace silhouette
