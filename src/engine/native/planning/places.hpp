#pragma once

#include <array>
#include <optional>
#include <vector>

#include "engine/native/planning/network.hpp"
#include "engine/native/planning/plan.hpp"

namespace silhouette::native {

/// Where tensors' values lie so far.
class Places {
 public:
  explicit Places(std::size_t tensors) : views_(tensors), reserved_(tensors) {}

  [[nodiscard]] std::optional<View> existing(graph::TensorId id, Layout layout) const {
    return views_[id][index(layout)];
  }
  /// Where a result in blocks belongs, if that is within a concatenation's.
  [[nodiscard]] std::optional<View> reserved(graph::TensorId id) const { return reserved_[id]; }

  void define(graph::TensorId id, Layout layout, View view) { views_[id][index(layout)] = view; }
  void define_all(graph::TensorId id, View view) { views_[id].fill(view); }
  void reserve(graph::TensorId id, View view) { reserved_[id] = view; }

 private:
  static std::size_t index(Layout layout) { return static_cast<std::size_t>(layout); }

  std::vector<std::array<std::optional<View>, 3>> views_;
  std::vector<std::optional<View>> reserved_;
};

}  // namespace silhouette::native
