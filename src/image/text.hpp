#pragma once

#include <string_view>

#include "base/image.hpp"

namespace silhouette {

/// One line of UTF-8 text as coverage (1 channel, 0…255), cropped to its ink in width and to the font's line in height,
/// which is about `pixel_height`. Markup characters are text. Text that gives no ink is 1 pixel wide. Thread-safe.
Result<Image> render_text(std::string_view text, int pixel_height);

}  // namespace silhouette
