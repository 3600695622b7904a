#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <stop_token>

#include "base/image.hpp"
#include "base/thread_pool.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// The photo's background out of focus: every pixel becomes the mean of its surroundings, weighted by 1 − alpha, so
/// that the subject's colours don't run into it; twice, which makes discs of light soft. `photo`: RGB, changed in
/// place. `alpha`: one for each pixel. `radius` ≥ 1, in pixels. Means are those of a coarse grid's cells. The result
/// doesn't depend on the number of threads. kInvalidArgument, kLimitExceeded, kCancelled.
Result<void> blur_background(Image& photo, std::span<const float> alpha, int radius, ThreadPool& pool,
                             std::stop_token stop);

/// A cut-out (RGBA) over a picture of its size (RGB): RGB. kInvalidArgument, kLimitExceeded.
Result<Image> lay_over(const Image& cutout, const Image& behind);
/// The same over one colour.
Result<Image> lay_over(const Image& cutout, const std::array<std::uint8_t, 3>& color);

}  // namespace silhouette
