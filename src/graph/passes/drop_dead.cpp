#include <algorithm>

#include "graph/passes/all.hpp"

namespace silhouette::graph {

bool drop_dead(Graph& graph) {
  std::vector<bool> needed(graph.tensors.size());
  needed[graph.output] = true;
  std::vector<bool> kept(graph.nodes.size());
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    kept[i] = needed[graph.nodes[i].output];
    if (!kept[i]) continue;
    for (const TensorId id : graph.nodes[i].inputs) needed[id] = true;
  }
  bool changed = false;
  // Constants that nobody reads any more are memory.
  for (std::size_t i = 0; i < graph.tensors.size(); ++i) {
    if (needed[i] || !graph.tensors[i].is_constant()) continue;
    graph.tensors[i].constant = {};
    changed = true;
  }
  std::vector<Node> nodes;
  nodes.reserve(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (kept[i]) nodes.push_back(std::move(graph.nodes[i]));
  }
  changed |= nodes.size() != graph.nodes.size();
  graph.nodes = std::move(nodes);
  return changed;
}

}  // namespace silhouette::graph
