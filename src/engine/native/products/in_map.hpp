#pragma once

#include <cstdint>
#include <vector>

#include "engine/native/planning/choice.hpp"
#include "engine/native/products/product.hpp"

namespace silhouette::native {

/// What lists of in-map taps would come to, at most: a small file mustn't ask for a great many.
inline constexpr std::int64_t kMostInMapTaps = 1 << 22;
/// What they come to, or more than that.
std::int64_t in_map_taps(const choice::ConvolutionShapes& shapes);

/// Rows of results cut where the set of taps that meet data changes; no tap's product with zeros is computed.
struct InMapRows {
  std::vector<Segment> segments;
  std::vector<std::vector<Tap>> tables;
};
InMapRows in_map_rows(const choice::ConvolutionShapes& shapes, const graph::Window& window, std::size_t block);

}  // namespace silhouette::native
