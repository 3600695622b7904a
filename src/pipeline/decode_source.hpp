#pragma once

#include <stop_token>

#include "base/image.hpp"
#include "silhouette/download_patience.hpp"
#include "silhouette/error.hpp"
#include "silhouette/image_source.hpp"
#include "silhouette/segmentation.hpp"

namespace silhouette {

/// Reads and decodes an image: RGB, upright. `timings`: gets what that took; or null.
Result<Image> decode_source(const ImageSource& source, const DownloadPatience& patience, const std::stop_token& stop,
                            StageTimings* timings);

}  // namespace silhouette
