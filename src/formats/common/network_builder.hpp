#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "formats/common/messages.hpp"
#include "graph/folding.hpp"
#include "graph/graph.hpp"

namespace silhouette::formats {

/// Collects a network's steps; what computes from constants alone is computed at once.
class NetworkBuilder {
 public:
  using Dims = std::vector<std::int64_t>;

  /// `owner` keeps the file's bytes alive; null if the caller does.
  NetworkBuilder(std::shared_ptr<const void> owner, const Messages& messages)
      : owner_(std::move(owner)), messages_(messages), folder_(graph_) {}

  /// A value of those dimensions that nothing makes yet. kUnsupportedModel if one of them is 0.
  Outcome<graph::TensorId> add_value(const Dims& dims);

  /// A constant in the file: float32 values for those dimensions, aligned.
  graph::TensorId add_constant(Dims dims, std::span<const std::byte> data);

  /// Appends a step whose result has those dimensions; returns that.
  Outcome<graph::TensorId> add_node(graph::Node node, const Dims& dims);

  /// The values of `from` with other dimensions, in the same order in memory.
  Outcome<graph::TensorId> reshape(graph::TensorId from, const Dims& dims);

  /// Dimension i of the result is dimension order[i] of `from`.
  Outcome<graph::TensorId> transpose(graph::TensorId from, const Dims& order);

  /// The network, whose result is `output`, if graph::verify accepts it and it keeps within the limits. The last call.
  Outcome<graph::Graph> finish(graph::TensorId output);

  [[nodiscard]] const Dims& dims(graph::TensorId id) const { return graph_.tensors[id].dims; }
  [[nodiscard]] graph::Graph& graph() noexcept { return graph_; }

 private:
  std::shared_ptr<const void> owner_;
  Messages messages_;
  graph::Graph graph_;
  graph::Folder folder_;
};

}  // namespace silhouette::formats
