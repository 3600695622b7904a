#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/image.hpp"
#include "postprocess/postprocess.hpp"

namespace silhouette {

/// Renders one line of UTF-8 text as coverage: 1 channel, 0…255, about `pixel_height` high.
using TextRenderer = std::function<Result<Image>(std::string_view text, int pixel_height)>;

/// The class map as an image of one channel, whose values are the class numbers. kUnsupportedModel for more than 256
/// classes.
Result<Image> mask_picture(const ClassMaps& maps, std::size_t classes);

/// The photo (RGB, of the maps' size) with every class but background in its colour, with outlines, and a legend if
/// there is something to write it with. `counts`: pixels of each class. kInvalidArgument for another opacity than 0…1,
/// kLimitExceeded.
Result<Image> overlay_picture(const Image& photo, const ClassMaps& maps, std::span<const std::string> labels,
                              std::span<const std::int64_t> counts, float opacity, const TextRenderer& text);

/// The photo with everything but the subject transparent, RGBA. `subject`: channels; none: all but background.
/// kInvalidArgument if there is no background then.
Result<Image> cutout_picture(const Image& photo, const ClassMaps& maps, std::span<const std::string> labels,
                             std::span<const int> subject);

}  // namespace silhouette
