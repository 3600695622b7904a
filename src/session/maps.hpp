#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/image.hpp"
#include "base/thread_pool.hpp"
#include "postprocess/postprocess.hpp"
#include "session/segmenter.hpp"
#include "silhouette/core/session.hpp"

namespace silhouette::core {

struct Maps::Data {
  std::vector<std::string> labels;
  std::vector<int> classes;  ///< channels of `maps.probabilities`
  ClassMaps maps;
  Image photo;
  Foreground foreground;
  Timings timings;
  std::shared_ptr<ThreadPool> pool;  ///< for pictures
  std::vector<std::int64_t> counts;

  /// Of the class map, whose values are channels.
  void count_pixels();
  [[nodiscard]] Result<void> check_photo() const;
};

/// Threads of somebody who has none: that which calls, and any number of such.
std::shared_ptr<ThreadPool> no_threads();

/// Those channels, ascending, each once. kInvalidArgument for one that isn't below `classes`.
Result<std::vector<int>> find_channels(std::span<const int> channels, std::size_t classes);

}  // namespace silhouette::core
