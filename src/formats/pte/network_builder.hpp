#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "formats/pte/container.hpp"
#include "formats/pte/messages.hpp"
#include "graph/folding.hpp"
#include "graph/graph.hpp"

namespace silhouette::pte {

/// Collects a network's steps; what computes from constants alone is computed at once.
class NetworkBuilder {
 public:
  using Dims = std::vector<std::int64_t>;

  /// `owner` keeps the file's bytes alive; null if the caller does.
  NetworkBuilder(std::shared_ptr<const void> owner, const Messages& messages)
      : owner_(std::move(owner)), messages_(messages), folder_(graph_) {}

  /// A value of those dimensions that nothing makes yet. kUnsupportedModel if one of them is 0.
  Result<graph::TensorId> add_value(const Dims& dims);

  /// A constant in the file: float32 values for those dimensions, aligned.
  graph::TensorId add_constant(Dims dims, Bytes data);

  /// Appends a step whose result has those dimensions; returns that.
  Result<graph::TensorId> add_node(graph::Node node, const Dims& dims);

  /// The values of `from` with other dimensions, in the same order in memory.
  Result<graph::TensorId> reshape(graph::TensorId from, const Dims& dims);

  /// Dimension i of the result is dimension order[i] of `from`.
  Result<graph::TensorId> transpose(graph::TensorId from, const Dims& order);

  [[nodiscard]] const Dims& dims(graph::TensorId id) const { return graph_.tensors[id].dims; }
  [[nodiscard]] graph::Graph& graph() noexcept { return graph_; }

 private:
  std::shared_ptr<const void> owner_;
  Messages messages_;
  graph::Graph graph_;
  graph::Folder folder_;
};

}  // namespace silhouette::pte
