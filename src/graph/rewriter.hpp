#pragma once

#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "graph/graph.hpp"

namespace silhouette::graph {

/// One walk over a graph's nodes, first to last, that changes them: knows who makes a tensor and how often it is used,
/// and keeps that right. Nodes keep their indices until the walk ends.
class Rewriter {
 public:
  static constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

  explicit Rewriter(Graph& graph);

  /// Calls `visit(rewriter, index)` for each node that is still there; whether anything changed. Repeats while it does,
  /// within reason: the rest is left as it is, which is right too.
  template <typename Visit>
  static bool sweep(Graph& graph, Visit visit) {
    constexpr int kMostSweeps = 8;
    bool changed = false;
    for (int i = 0; i < kMostSweeps; ++i) {
      if (!Rewriter(graph).walk(visit)) break;
      changed = true;
    }
    return changed;
  }

  [[nodiscard]] Graph& graph() noexcept { return graph_; }
  [[nodiscard]] Node& node(std::size_t index) { return graph_.nodes[index]; }
  [[nodiscard]] Tensor& tensor(TensorId id) { return graph_.tensors[id]; }
  [[nodiscard]] const std::vector<std::int64_t>& dims(TensorId id) const { return graph_.tensors[id].dims; }

  /// Index of the node that makes a tensor, or kNobody.
  [[nodiscard]] std::size_t maker(TensorId id) const { return makers_[id]; }
  /// The same if it is an `op`.
  [[nodiscard]] std::size_t maker(TensorId id, Op op) const {
    return makers_[id] != kNobody && graph_.nodes[makers_[id]].op == op ? makers_[id] : kNobody;
  }
  /// Whether one operand of one node is all that a tensor is for.
  [[nodiscard]] bool is_used_once(TensorId id) const { return uses_[id] == 1; }
  [[nodiscard]] bool is_unused(TensorId id) const { return uses_[id] == 0; }

  TensorId add_tensor(std::vector<std::int64_t> dims);
  TensorId add_constant(std::vector<std::int64_t> dims, std::vector<float> values);

  /// Later nodes and the graph's output use `to` instead of `from`. Of the same dimensions.
  void replace(TensorId from, TensorId to);
  void remove(std::size_t index);
  /// Puts another node in a node's place.
  void set(std::size_t index, Node node);
  /// Puts another operand in an operand's place.
  void set_input(std::size_t index, std::size_t operand, TensorId id);
  /// Adds a node that is to run before node `index`, which is the one visited or a later one.
  void insert_before(std::size_t index, Node node);
  /// For changes made to a node by hand.
  void mark_changed() noexcept { changed_ = true; }

 private:
  template <typename Visit>
  bool walk(Visit& visit) {
    for (std::size_t i = 0; i < removed_.size(); ++i) {
      if (removed_[i]) continue;
      resolve(graph_.nodes[i]);
      visit(*this, i);
    }
    finish();
    return changed_;
  }

  TensorId resolved(TensorId id) const;
  void resolve(Node& node) const;
  void finish();

  Graph& graph_;
  std::vector<std::size_t> makers_;
  std::vector<std::size_t> uses_;
  std::vector<TensorId> aliases_;
  std::vector<bool> removed_;
  std::vector<std::pair<std::size_t, Node>> inserted_;
  bool changed_ = false;
};

/// Whether a tensor holds just one number, known at load, and that is `value`.
bool is_number(const Graph& graph, TensorId id, float value) noexcept;

/// Whether an array is one pixel: [1, 1, 1, C].
bool is_pixel(const std::vector<std::int64_t>& dims) noexcept;

}  // namespace silhouette::graph
