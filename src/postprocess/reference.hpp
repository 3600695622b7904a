#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "postprocess/postprocess.hpp"

namespace silhouette {

/// What make_class_maps computes, in plain loops and double precision (source coordinates in float32, which are part of
/// the definition). For tests and comparison only.
struct ReferenceMaps {
  std::vector<std::int32_t> argmax;
  std::vector<std::vector<double>> probabilities;
};

/// The resized logits of every channel at one output pixel.
std::vector<double> reference_logits(const LogitsView& logits, int width, int height, int x, int y);

ReferenceMaps reference_class_maps(const LogitsView& logits, int width, int height, std::span<const int> classes);

}  // namespace silhouette
