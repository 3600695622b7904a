#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "graph/operators.hpp"

namespace silhouette::graph {
namespace {

std::string shape_text(const Tensor& tensor) {
  return fmt::format("{}[{}]", tensor.is_constant() ? "constant " : "", fmt::join(tensor.dims, ", "));
}

std::string window_text(const Window& w) {
  std::string text = fmt::format(" {}x{}", w.kernel_height, w.kernel_width);
  const auto add_pair = [&](std::string_view name, std::int64_t height, std::int64_t width, std::int64_t usual) {
    if (height == usual && width == usual) return;
    text += height == width ? fmt::format(" {} {}", name, height) : fmt::format(" {} {}x{}", name, height, width);
  };
  add_pair("stride", w.stride_height, w.stride_width, 1);
  add_pair("dilation", w.dilation_height, w.dilation_width, 1);
  if (w.pad_top == w.pad_bottom && w.pad_left == w.pad_right) {
    add_pair("pad", w.pad_top, w.pad_left, 0);
  } else {
    text += fmt::format(" pad {},{},{},{}", w.pad_top, w.pad_left, w.pad_bottom, w.pad_right);
  }
  if (w.groups != 1) text += fmt::format(" groups {}", w.groups);
  return text;
}

std::string_view function_text(Activation::Function function) {
  switch (function) {
    case Activation::Function::kNone: break;
    case Activation::Function::kHardswish: return ", hardswish";
    case Activation::Function::kHardsigmoid: return ", hardsigmoid";
    case Activation::Function::kSigmoid: return ", sigmoid";
  }
  return "";
}

std::string activation_text(const Activation& activation) {
  std::string text(function_text(activation.function));
  if (!activation.clamps()) return text;
  if (activation.min == 0 && std::isinf(activation.max)) return text + ", relu";
  return text + fmt::format(", clamp {} to {}", activation.min, activation.max);
}

std::string attributes_text(const Node& node) {
  if (properties(node.op).kind == Kind::kWindow) return window_text(node.window);
  switch (node.op) {
    case Op::kConcatenate: return fmt::format(" axis {}", node.axis);
    case Op::kElu:
    case Op::kLeakyRelu: return fmt::format(" {}", node.parameter);
    case Op::kPad:
      return fmt::format(" {} before [{}] after [{}]", node.parameter, fmt::join(node.before, ", "),
                         fmt::join(node.after, ", "));
    case Op::kResizeBilinear:
      return node.corners == Corners::kHalfPixel ? "" : node.corners == Corners::kAligned ? " aligned" : " asymmetric";
    case Op::kSlice: return fmt::format(" from [{}]", fmt::join(node.before, ", "));
    case Op::kTranspose: return fmt::format(" order [{}]", fmt::join(node.order, ", "));
    default: return "";
  }
}

/// "1.53 G" and the like.
std::string amount_text(std::int64_t amount) {
  const auto value = static_cast<double>(amount);
  if (amount >= 1'000'000'000) return fmt::format("{:.2f} G", value * 1e-9);
  if (amount >= 1'000'000) return fmt::format("{:.2f} M", value * 1e-6);
  return fmt::format("{:.2f} k", value * 1e-3);
}

}  // namespace

std::string describe(const Graph& graph, const Node& node) {
  std::vector<std::string> operands;
  operands.reserve(node.inputs.size());
  for (const TensorId id : node.inputs) {
    const Tensor& tensor = graph.tensors[id];
    operands.push_back(tensor.is_constant() ? shape_text(tensor) : fmt::format("%{} {}", id, shape_text(tensor)));
  }
  std::string text =
      fmt::format("%{} = {}{} ({}) -> {}{}", node.output, op_name(node.op), attributes_text(node),
                  fmt::join(operands, ", "), shape_text(graph.tensors[node.output]), activation_text(node.activation));
  if (const std::int64_t cost = multiply_adds(graph, node); cost > 0)
    text += fmt::format(", {} multiply-adds", amount_text(cost));
  return text;
}

std::string describe(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) text += describe(graph, node) + '\n';
  return text + fmt::format("{} steps, {} multiply-adds; input %{}, output %{}\n", graph.nodes.size(),
                            amount_text(multiply_adds(graph)), graph.input, graph.output);
}

}  // namespace silhouette::graph
