#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "silhouette/error.hpp"
#include "silhouette/shapes.hpp"

namespace silhouette {

struct PolygonOptions {
  double tolerance = 0;       ///< of simplification, pixels; 0 = exact
  std::int64_t min_area = 0;  ///< smaller polygons are left out and smaller holes filled, pixels before simplification
  std::size_t max_corners = 16'000'000;        ///< of the mask's outlines as they are; 16 bytes each while working
  std::size_t max_points = kMaxPolygonPoints;  ///< of the result
};

/// Outlines of the pixels of a row-major class map that are `value`, along the pixels' edges, in the order of their
/// first points (top to bottom, left to right). Without simplification every pixel is in exactly one of them.
///
/// Pixels that share an edge are in one polygon, those that share only a corner are not, so that no ring meets itself:
/// where a ring comes to one point twice it is split there. Hence polygons are valid by OGC Simple Features: rings are
/// simple, and holes, outer rings and other polygons touch each other in single points at most. Simplified rings may
/// cross.
///
/// Takes time and memory in proportion to the pixels and corners, whatever the shape. kInvalidArgument (a number of
/// classes that isn't width × height, options out of range), kLimitExceeded (size, corners, points).
Result<std::vector<Polygon>> class_polygons(std::span<const std::int32_t> classes, int width, int height,
                                            std::int32_t value, const PolygonOptions& options);

}  // namespace silhouette
