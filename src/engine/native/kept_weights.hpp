#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/thread_pool.hpp"

namespace silhouette::native {

/// Where packed weights are kept from one load of a model to the next. The engine knows nothing of files: where there
/// are some, packed_file.hpp has such a place.
class KeptWeights {
 public:
  KeptWeights() = default;
  KeptWeights(const KeptWeights&) = delete;
  KeptWeights& operator=(const KeptWeights&) = delete;
  virtual ~KeptWeights() = default;

  /// The `count` floats that were kept for `key`, unchanged since; nothing if they weren't, whatever the reason. They
  /// are there as long as this is, and not after another call.
  virtual std::optional<std::span<const float>> find(std::string_view key, std::size_t count, ThreadPool& pool) = 0;

  /// Keeps them, whole or not at all.
  virtual void keep(std::string_view key, std::span<const float> weights, ThreadPool& pool) = 0;
};

}  // namespace silhouette::native
