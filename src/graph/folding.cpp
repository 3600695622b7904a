#include "graph/folding.hpp"

#include <algorithm>

#include "graph/operators.hpp"
#include "graph/reference.hpp"

namespace silhouette::graph {
namespace {

// More than the weights of any network here.
constexpr std::int64_t kMaxOwnedValues = std::int64_t{1} << 27;

/// Whether it takes a few operations a value.
bool is_cheap(Op op) {
  return is_elementwise(op) || properties(op).kind == Kind::kMovement;
}

}  // namespace

Folder::Folder(const Graph& graph) noexcept {
  for (const Tensor& tensor : graph.tensors) {
    if (tensor.constant.owner) owned_ += static_cast<std::int64_t>(tensor.constant.values.size());
  }
}

bool Folder::fold(Graph& graph, const Node& node) {
  Tensor& result = graph.tensors[node.output];
  const std::int64_t values = count(result.dims);
  const auto is_constant = [&](TensorId id) { return graph.tensors[id].is_constant(); };
  if (!is_cheap(node.op) || !std::ranges::all_of(node.inputs, is_constant)) return false;
  if (node.op == Op::kCopy && node.activation.is_identity()) {
    result.constant = graph.tensors[node.inputs[0]].constant;
    return true;
  }
  if (values > kMaxOwnedValues - owned_) return false;
  std::vector<std::span<const float>> operands;
  operands.reserve(node.inputs.size());
  for (const TensorId id : node.inputs) operands.push_back(graph.tensors[id].constant.values);
  const auto owner = std::make_shared<const std::vector<float>>(evaluate_node(graph, node, operands));
  result.constant = {.values = *owner, .owner = owner};
  owned_ += values;
  return true;
}

}  // namespace silhouette::graph
