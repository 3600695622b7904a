#include "graph/graph.hpp"

#include <algorithm>
#include <limits>

#include "base/checked.hpp"

namespace silhouette::graph {
namespace {

std::int64_t saturating_mul(std::int64_t a, std::int64_t b) noexcept {
  return checked_mul(a, b).value_or(std::numeric_limits<std::int64_t>::max());
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

/// Sum of positions_inside over a kernel's taps.
std::int64_t taps_inside(std::int64_t output, std::int64_t input, std::int64_t kernel, std::int64_t stride,
                         std::int64_t dilation, std::int64_t pad) noexcept {
  std::int64_t sum = 0;
  for (std::int64_t k = 0; k < kernel; ++k) sum += positions_inside(output, input, k, stride, dilation, pad);
  return sum;
}

}  // namespace

TensorId Graph::add_constant(std::vector<std::int64_t> dims, std::vector<float> values) {
  const auto owner = std::make_shared<const std::vector<float>>(std::move(values));
  const TensorId id = add_tensor(std::move(dims));
  tensors[id].constant = {.values = *owner, .owner = owner};
  return id;
}

std::int64_t count(std::span<const std::int64_t> dims) noexcept {
  std::int64_t result = 1;
  for (const std::int64_t dim : dims) result = saturating_mul(result, dim);
  return result;
}

std::int64_t positions_inside(std::int64_t output, std::int64_t input, std::int64_t kernel_index, std::int64_t stride,
                              std::int64_t dilation, std::int64_t pad) noexcept {
  const std::int64_t shift = kernel_index * dilation - pad;
  const std::int64_t first = std::max<std::int64_t>(0, floor_divide(-shift + stride - 1, stride));
  const std::int64_t last = std::min(output - 1, floor_divide(input - 1 - shift, stride));
  return std::max<std::int64_t>(0, last - first + 1);
}

std::int64_t multiply_adds(const Graph& graph, const Node& node) {
  const auto& in = node.inputs.empty() ? graph.tensors[node.output].dims : graph.tensors[node.inputs[0]].dims;
  const auto& out = graph.tensors[node.output].dims;
  const Window& w = node.window;
  switch (node.op) {
    case Op::kConvolution:
    case Op::kDepthwiseConvolution: {
      const std::int64_t rows =
          taps_inside(out[1], in[1], w.kernel_height, w.stride_height, w.dilation_height, w.pad_top);
      const std::int64_t columns =
          taps_inside(out[2], in[2], w.kernel_width, w.stride_width, w.dilation_width, w.pad_left);
      const std::int64_t depth = node.op == Op::kConvolution ? in[3] / w.groups : 1;
      return saturating_mul(saturating_mul(saturating_mul(rows, columns), out[3]), depth);
    }
    case Op::kTransposeConvolution: {
      // The same window seen from the other side.
      const std::int64_t rows =
          taps_inside(in[1], out[1], w.kernel_height, w.stride_height, w.dilation_height, w.pad_top);
      const std::int64_t columns =
          taps_inside(in[2], out[2], w.kernel_width, w.stride_width, w.dilation_width, w.pad_left);
      return saturating_mul(saturating_mul(saturating_mul(rows, columns), out[3]), in[3] / w.groups);
    }
    case Op::kFullyConnected: return saturating_mul(count(out), in.back());
    default: return 0;
  }
}

std::int64_t multiply_adds(const Graph& graph) {
  std::int64_t sum = 0;
  for (const Node& node : graph.nodes)
    sum = checked_add(sum, multiply_adds(graph, node)).value_or(std::numeric_limits<std::int64_t>::max());
  return sum;
}

}  // namespace silhouette::graph
