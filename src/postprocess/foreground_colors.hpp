#pragma once

#include <span>
#include <stop_token>

#include "base/image.hpp"
#include "base/thread_pool.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Takes the background's share out of the colours along soft edges, so that it doesn't shine through a cut-out:
/// Forte's blur fusion ("Approximate fast foreground colour estimation", 2021). A pixel is foreground · alpha +
/// background · (1 − alpha); F and B being the means of its surroundings, weighted by alpha and by 1 − alpha, its
/// foreground is
///
///   F + alpha · (colour − alpha · F − (1 − alpha) · B).
///
/// Changes the pixels with 0 < alpha < 1 of an RGB photo, in place. `alpha`: one for each; what is outside 0…1 is
/// brought within, NaN is 0. `radius` ≥ 1: of the surroundings, in pixels; as wide as edges are soft. Means are those
/// of a coarse grid's cells: 64 bytes a cell, 67 MB at most. The result doesn't depend on the number of threads.
/// kInvalidArgument, kLimitExceeded; kCancelled: then some of the pixels may have been changed.
Result<void> estimate_foreground(Image& photo, std::span<const float> alpha, int radius, ThreadPool& pool,
                                 std::stop_token stop);

}  // namespace silhouette
