#include "graph/rewriter.hpp"

#include <algorithm>
#include <numeric>

namespace silhouette::graph {

Rewriter::Rewriter(Graph& graph)
    : graph_(graph),
      makers_(graph.tensors.size(), kNobody),
      uses_(graph.tensors.size()),
      aliases_(graph.tensors.size()),
      removed_(graph.nodes.size()) {
  std::iota(aliases_.begin(), aliases_.end(), TensorId{0});
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    makers_[graph.nodes[i].output] = i;
    for (const TensorId id : graph.nodes[i].inputs) ++uses_[id];
  }
  ++uses_[graph.output];
}

TensorId Rewriter::add_tensor(std::vector<std::int64_t> dims) {
  makers_.push_back(kNobody);
  uses_.push_back(0);
  aliases_.push_back(static_cast<TensorId>(aliases_.size()));
  return graph_.add_tensor(std::move(dims));
}

TensorId Rewriter::add_constant(std::vector<std::int64_t> dims, std::vector<float> values) {
  makers_.push_back(kNobody);
  uses_.push_back(0);
  aliases_.push_back(static_cast<TensorId>(aliases_.size()));
  return graph_.add_constant(std::move(dims), std::move(values));
}

void Rewriter::replace(TensorId from, TensorId to) {
  aliases_[from] = to;
  uses_[to] += std::exchange(uses_[from], 0);
  changed_ = true;
}

void Rewriter::remove(std::size_t index) {
  const Node& node = graph_.nodes[index];
  for (const TensorId id : node.inputs) --uses_[id];
  if (makers_[node.output] == index) makers_[node.output] = kNobody;
  removed_[index] = true;
  changed_ = true;
}

void Rewriter::set(std::size_t index, Node node) {
  for (const TensorId id : node.inputs) ++uses_[id];
  remove(index);
  removed_[index] = false;
  makers_[node.output] = index;
  graph_.nodes[index] = std::move(node);
}

void Rewriter::set_input(std::size_t index, std::size_t operand, TensorId id) {
  TensorId& input = graph_.nodes[index].inputs[operand];
  ++uses_[id];
  --uses_[input];
  input = id;
  changed_ = true;
}

void Rewriter::insert_before(std::size_t index, Node node) {
  for (const TensorId id : node.inputs) ++uses_[id];
  inserted_.emplace_back(index, std::move(node));
  changed_ = true;
}

TensorId Rewriter::resolved(TensorId id) const {
  while (aliases_[id] != id) id = aliases_[id];
  return id;
}

void Rewriter::resolve(Node& node) const {
  for (TensorId& id : node.inputs) id = resolved(id);
}

void Rewriter::finish() {
  if (!changed_) return;
  std::vector<std::size_t> order(inserted_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(inserted_[i].first, i); });
  std::vector<Node> nodes;
  nodes.reserve(graph_.nodes.size() + inserted_.size());
  auto next = order.begin();
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    for (; next != order.end() && inserted_[*next].first == i; ++next)
      nodes.push_back(std::move(inserted_[*next].second));
    if (!removed_[i]) nodes.push_back(std::move(graph_.nodes[i]));
  }
  for (Node& node : nodes) resolve(node);
  graph_.nodes = std::move(nodes);
  graph_.output = resolved(graph_.output);
}

bool is_number(const Graph& graph, TensorId id, float value) noexcept {
  const Constant& constant = graph.tensors[id].constant;
  return constant.values.size() == 1 && constant.values[0] == value;
}

bool is_pixel(const std::vector<std::int64_t>& dims) noexcept {
  return dims.size() == 4 && dims[0] == 1 && dims[1] == 1 && dims[2] == 1;
}

}  // namespace silhouette::graph
