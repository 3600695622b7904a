#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "silhouette/segmentation.hpp"

namespace silhouette::cli {

/// How polygons are made.
struct ShapeOptions {
  double tolerance = 1;
  std::int64_t min_area = 0;
};

/// The classes whose shapes are written, ascending: those of interest, or without any all that have pixels but the
/// background (−1 if the model has none).
std::vector<int> shape_classes(const Segmentation& segmentation, std::span<const int> of_interest, int background);

/// The classes' pixels as a JSON array of {label, class, size [height, width], counts, area, bbox [x, y, width,
/// height]}, each of which pycocotools reads as it is.
Result<std::string> rle_json(const Segmentation& segmentation, std::span<const int> classes);

/// The same as {label, class, size, area, bbox, polygons [{outer [[x, y]…], holes [[[x, y]…]…]}]}. Size, area and box
/// are of the class's pixels, before simplification.
Result<std::string> polygons_json(const Segmentation& segmentation, std::span<const int> classes,
                                  const ShapeOptions& options);

}  // namespace silhouette::cli
