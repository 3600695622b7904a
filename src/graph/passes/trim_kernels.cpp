#include <algorithm>

#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

/// Rows or columns of a kernel that are kept.
struct Kept {
  std::int64_t first = 0;
  std::int64_t size = 0;
};

Kept kept_taps(std::int64_t output, std::int64_t input, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
               std::int64_t pad_before, std::int64_t pad_after) {
  const auto meets = [&](std::int64_t k) {
    return positions_inside(output, input, k, stride, dilation, pad_before) > 0;
  };
  std::int64_t first = 0;
  while (first + 1 < kernel && pad_before >= (first + 1) * dilation && !meets(first)) ++first;
  std::int64_t end = kernel;
  while (end - 1 > first && pad_after >= (kernel - end + 1) * dilation && !meets(end - 1)) --end;
  return {first, end - first};
}

/// The kept rows and columns of weights [outer, KH, KW, inner].
std::vector<float> cut(std::span<const float> weights, std::int64_t outer, const Window& w, std::int64_t inner,
                       const Kept& rows, const Kept& columns) {
  std::vector<float> result;
  result.reserve(static_cast<std::size_t>(outer * rows.size * columns.size * inner));
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t row = rows.first; row < rows.first + rows.size; ++row) {
      const std::int64_t start = ((o * w.kernel_height + row) * w.kernel_width + columns.first) * inner;
      const auto piece =
          weights.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(columns.size * inner));
      result.insert(result.end(), piece.begin(), piece.end());
    }
  }
  return result;
}

void visit(Rewriter& rewriter, std::size_t index) {
  Node& node = rewriter.node(index);
  if (node.op != Op::kConvolution && node.op != Op::kDepthwiseConvolution) return;
  Window& w = node.window;
  const auto& in = rewriter.dims(node.inputs[0]);
  const auto& out = rewriter.dims(node.output);
  const Kept rows =
      kept_taps(out[1], in[1], w.kernel_height, w.stride_height, w.dilation_height, w.pad_top, w.pad_bottom);
  const Kept columns =
      kept_taps(out[2], in[2], w.kernel_width, w.stride_width, w.dilation_width, w.pad_left, w.pad_right);
  if (rows.size == w.kernel_height && columns.size == w.kernel_width) return;

  const Tensor& weights = rewriter.tensor(node.inputs[1]);
  const bool depthwise = node.op == Op::kDepthwiseConvolution;
  std::vector<std::int64_t> dims = weights.dims;
  auto values = cut(weights.constant.values, depthwise ? 1 : dims[0], w, dims.back(), rows, columns);
  dims[depthwise ? 0 : 1] = rows.size;
  dims[depthwise ? 1 : 2] = columns.size;
  w.pad_top -= rows.first * w.dilation_height;
  w.pad_bottom -= (w.kernel_height - rows.first - rows.size) * w.dilation_height;
  w.pad_left -= columns.first * w.dilation_width;
  w.pad_right -= (w.kernel_width - columns.first - columns.size) * w.dilation_width;
  w.kernel_height = rows.size;
  w.kernel_width = columns.size;
  if (w.kernel_height == 1) w.dilation_height = 1;
  if (w.kernel_width == 1) w.dilation_width = 1;
  rewriter.set_input(index, 1, rewriter.add_constant(std::move(dims), std::move(values)));
}

}  // namespace

bool trim_kernels(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
