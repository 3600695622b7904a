#pragma once

#include <span>
#include <stop_token>

#include "base/aligned_buffer.hpp"
#include "base/image.hpp"
#include "base/thread_pool.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Probabilities of a foreground, row by row, of the whole photo at a size of their own. Not owned.
struct ProbabilityView {
  std::span<const float> values;
  int width = 0;
  int height = 0;
};

struct GuidedFilter {
  /// Of the windows, in pixels of the photo: how far the map's edges may be from the picture's. 0: three of the map's
  /// pixels, which is what networks are wrong by.
  int radius = 0;
  /// Variances of colour (on a scale of 0…1) below this are no edges. 1e-6 … 1.
  float epsilon = 1e-3F;
  /// What is at most `low` becomes 0, what is at least `high` 1: means of windows leave a haze. 0 ≤ low < high ≤ 1.
  float low = 0.1F;
  float high = 0.9F;
};

/// Alpha (0…1) at the photo's size whose edges are the picture's, by He, Sun and Tang's guided image filter:
///
///   within each window alpha = a · colour + b, with the a and b that fit the map best where |a|² costs epsilon;
///   a pixel's alpha is that of the mean a and b of all windows which it is in.
///
/// The photo (RGB) itself is the guide, not its luminance: that left holes where hair and skin are as light as what is
/// behind them. As in the same authors' fast variant a and b are found on a coarse grid and interpolated; so memory is
/// 32 bytes a cell, 34 MB at most, beside the result's 4 bytes a pixel, and time doesn't depend on the radius.
/// What is NaN in the map is 0, the rest is brought within 0…1; nothing in the result is NaN or outside. The result
/// doesn't depend on the number of threads. kInvalidArgument, kLimitExceeded, kCancelled.
Result<AlignedBuffer<float>> guided_alpha(const ProbabilityView& map, const Image& photo, const GuidedFilter& filter,
                                          ThreadPool& pool, std::stop_token stop);

/// The radius that `filter` means for this map and photo, in the photo's pixels.
int guided_radius(const ProbabilityView& map, const Image& photo, const GuidedFilter& filter) noexcept;

}  // namespace silhouette
