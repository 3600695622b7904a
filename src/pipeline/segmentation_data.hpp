#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "base/image.hpp"
#include "postprocess/postprocess.hpp"
#include "session/segmenter.hpp"
#include "silhouette/segmentation.hpp"

namespace silhouette::detail {

struct SegmentationData {
  std::vector<std::string> labels;
  std::vector<int> classes;  ///< channels of `maps.probabilities`
  ClassMaps maps;
  Image photo;            ///< RGB at the maps' size; empty unless the caller asked to keep it
  Foreground foreground;  ///< likewise, of a model of one channel
  SegmentationInfo info;

  /// Pixels of each class: counted when they are asked for, into memory that is there already.
  mutable std::vector<std::int64_t> counts;
  mutable std::once_flag counted;
};

}  // namespace silhouette::detail
