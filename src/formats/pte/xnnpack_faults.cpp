#include "formats/pte/xnnpack_faults.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace silhouette::pte::xnnpack {
namespace {

bool is_padded_average(const Node& node) {
  const Window& w = node.window;
  return node.op == Op::kAveragePooling && std::max({w.top, w.right, w.bottom, w.left}) > 0;
}

/// Which values are results of copies.
std::vector<bool> copies(const Graph& graph) {
  std::vector<bool> result(graph.values.size());
  for (const Node& node : graph.nodes) {
    if (node.op == Op::kCopy) result[node.output] = true;
  }
  return result;
}

/// XNNPACK has nodes read what was copied instead of the copy, but in one place each; the copy is never made, and what
/// a second place reads is at no address.
bool takes_twice(const Node& node, const std::vector<bool>& values) {
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    const auto before = std::span(node.inputs).first(i);
    if (values[node.inputs[i]] && std::ranges::find(before, node.inputs[i]) != before.end()) return true;
  }
  return false;
}

}  // namespace

std::string_view fault_of_xnnpack(const Graph& graph) {
  const auto copied = copies(graph);
  for (const Node& node : graph.nodes) {
    if (is_padded_average(node)) return "XNNPACK makes padded averages of memory that nothing has written";
    if (takes_twice(node, copied)) return "XNNPACK loses an operand of what takes a copy twice";
  }
  return {};
}

}  // namespace silhouette::pte::xnnpack
