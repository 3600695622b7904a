#pragma once

#include <vector>

#include "base/image.hpp"
#include "postprocess/guided_filter.hpp"

namespace silhouette {

/// What guided_alpha promises, straight from the paper's definition: every window summed by itself, in double
/// precision. Only a cell's values are floats here, too: covariances would tell their roundings apart.
struct ReferenceAlpha {
  std::vector<double> alpha;
  double largest_line = 0;  ///< the largest |a| + |b| of any window, a's components added up
  double fewest_cells = 0;  ///< in any window
};

/// `scale`, `radius`: of cells in pixels, and of windows in cells.
ReferenceAlpha reference_guided_alpha(const ProbabilityView& map, const Image& photo, const GuidedFilter& filter,
                                      int scale, int radius);

}  // namespace silhouette
