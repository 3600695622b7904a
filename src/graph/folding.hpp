#pragma once

#include <cstdint>

#include "graph/graph.hpp"

namespace silhouette::graph {

/// Computes nodes whose operands are all constants once and for all, within limits: a small file must not make a large
/// heap, nor start a long computation.
class Folder {
 public:
  /// Counts the constants that `graph` owns already.
  explicit Folder(const Graph& graph) noexcept;

  /// Makes the result of `node` a constant; false if that can't be. The caller drops the node.
  bool fold(Graph& graph, const Node& node);

 private:
  std::int64_t owned_ = 0;
};

}  // namespace silhouette::graph
