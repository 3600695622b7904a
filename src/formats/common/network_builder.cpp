#include "formats/common/network_builder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/checked.hpp"
#include "formats/common/limits.hpp"

namespace silhouette::formats {

Outcome<graph::TensorId> NetworkBuilder::add_value(const Dims& dims) {
  if (std::ranges::any_of(dims, [](std::int64_t dim) { return dim < 1; }))
    return messages_.unsupported(fmt::format("it has an empty tensor [{}]", fmt::join(dims, ", ")));
  return graph_.add_tensor(dims);
}

graph::TensorId NetworkBuilder::add_constant(Dims dims, std::span<const std::byte> data) {
  const auto values = static_cast<std::size_t>(graph::count(dims));
  const graph::TensorId id = graph_.add_tensor(std::move(dims));
  graph_.tensors[id].constant = {.values = {reinterpret_cast<const float*>(data.data()), values}, .owner = owner_};
  return id;
}

Outcome<graph::TensorId> NetworkBuilder::add_node(graph::Node node, const Dims& dims) {
  const auto output = add_value(dims);
  if (!output) return output;
  node.output = *output;
  if (folder_.fold(graph_, node)) return node.output;
  if (graph_.nodes.size() == kMaxSteps) return messages_.too_large(fmt::format("it has more than {} steps", kMaxSteps));
  graph_.nodes.push_back(std::move(node));
  return *output;
}

Outcome<graph::TensorId> NetworkBuilder::reshape(graph::TensorId from, const Dims& to) {
  if (dims(from) == to) return from;
  return add_node({.op = graph::Op::kCopy, .inputs = {from}}, to);
}

Outcome<graph::TensorId> NetworkBuilder::transpose(graph::TensorId from, const Dims& order) {
  Dims result;
  Dims moved;  // without dimensions of 1, which are nowhere in memory
  for (const std::int64_t dim : order) {
    result.push_back(dims(from)[static_cast<std::size_t>(dim)]);
    if (result.back() != 1) moved.push_back(dim);
  }
  if (std::ranges::is_sorted(moved)) return reshape(from, result);
  return add_node({.op = graph::Op::kTranspose, .inputs = {from}, .order = order}, result);
}

Outcome<graph::Graph> NetworkBuilder::finish(graph::TensorId output) {
  graph_.output = output;
  if (graph_.tensors[output].is_constant()) return messages_.unsupported("its output is a constant");
  if (auto ok = graph::verify(graph_); !ok) return messages_.unsupported(ok.error().message);
  std::uint64_t weights = 0;
  for (const graph::Node& node : graph_.nodes) {
    for (const graph::TensorId id : node.inputs)
      weights = checked_add(weights, graph_.tensors[id].constant.values.size_bytes()).value_or(UINT64_MAX);
  }
  if (weights > kMaxPackedBytes) return messages_.too_large("its weights need too much memory");
  const std::int64_t multiply_adds = graph::multiply_adds(graph_);
  if (std::cmp_greater(multiply_adds, kMaxMultiplyAdds))
    return messages_.too_large(fmt::format("it takes {} multiply-adds", multiply_adds));
  return std::move(graph_);
}

}  // namespace silhouette::formats
