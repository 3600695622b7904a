#pragma once

#include <executorch/runtime/core/data_loader.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "engine/model_data.hpp"

namespace silhouette {

/// A model file's bytes on loan to ExecuTorch, which reads its program and weights in place. It packs weights into
/// copies of its own and gives the originals back; those that it keeps for running are the fewest. Once a model is
/// loaded, what it holds no longer goes back to the system, so that weights aren't in memory twice. Payloads with
/// constants of their own it gives back, too, and goes on reading: those stay.
///
/// Must outlive what was loaded through its loaders. Thread-safe.
class ModelBytes {
 public:
  /// `kept`: what stays, by first byte and length; inside the data.
  explicit ModelBytes(std::shared_ptr<const ModelData> data,
                      std::span<const std::pair<std::size_t, std::size_t>> kept = {})
      : data_(std::move(data)) {
    for (const auto& [begin, size] : kept) lent_.emplace(begin, begin + size);
  }
  ModelBytes(const ModelBytes&) = delete;
  ModelBytes& operator=(const ModelBytes&) = delete;
  ~ModelBytes() = default;

  /// Something for `Module` to own that lends from here.
  std::unique_ptr<::executorch::runtime::DataLoader> make_loader();

  /// Drops all that isn't lent at the moment. Loaders lend nothing after that, rather than bytes that are gone.
  void discard_rest();

  /// Bytes that are lent or kept at the moment; those lent several times count once.
  [[nodiscard]] std::size_t lent_bytes() const;

 private:
  class Loader;

  /// Calls `visit(begin, end)` for each stretch that is lent, in order and without overlaps. Under the mutex.
  template <typename Visit>
  void for_each_lent(Visit&& visit) const;

  std::shared_ptr<const ModelData> data_;
  mutable std::mutex mutex_;
  std::multimap<std::size_t, std::size_t> lent_;  ///< begin → end
  bool closed_ = false;
};

}  // namespace silhouette
