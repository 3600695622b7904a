#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/image.hpp"
#include "base/thread_pool.hpp"
#include "postprocess/postprocess.hpp"
#include "session/segmenter.hpp"

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

/// What lies behind a cut-out's subject.
struct NoBackdrop {};
using Color = std::array<std::uint8_t, 3>;
/// The photo itself, out of focus: means over `share` of its longer side.
struct Blur {
  double share = 0;
};
/// RGB, scaled and cropped so that it covers the photo.
struct Scene {
  const Image* image = nullptr;
};
using Backdrop = std::variant<NoBackdrop, Color, Blur, Scene>;

/// The photo (RGB) without what isn't the subject. `subject`: channels; none: all but background. Without a backdrop it
/// is RGBA, with one RGB. With a `foreground` its probabilities decide, and edges are those of the photo (a guided
/// filter); else the class map does, and edges are softened a little. kInvalidArgument if there is no background to
/// leave out, or for a blur that isn't above 0 and at most 1; kLimitExceeded.
Result<Image> cutout_picture(const Image& photo, const ClassMaps& maps, std::span<const std::string> labels,
                             std::span<const int> subject, const Foreground& foreground, const Backdrop& backdrop,
                             ThreadPool& pool);

}  // namespace silhouette
