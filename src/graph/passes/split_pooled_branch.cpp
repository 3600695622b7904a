#include <algorithm>
#include <cstddef>

#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

bool is_pointwise(const Node& node) {
  const Window& w = node.window;
  return node.op == Op::kConvolution && w.kernel_height == 1 && w.kernel_width == 1 && w.pad_top == 0 &&
         w.pad_bottom == 0 && w.pad_left == 0 && w.pad_right == 0 && w.groups == 1;
}

/// Columns [first, first + size) of weights [O, 1, 1, I], or all but them.
TensorId part_of_weights(Rewriter& rewriter, TensorId id, std::int64_t first, std::int64_t size, bool inside) {
  const Tensor& weights = rewriter.tensor(id);
  const std::int64_t outputs = weights.dims[0];
  const std::int64_t inputs = weights.dims[3];
  const float* const values = weights.constant.values.data();
  std::vector<float> part;
  part.reserve(static_cast<std::size_t>(outputs * (inside ? size : inputs - size)));
  for (std::int64_t o = 0; o < outputs; ++o) {
    const float* const row = values + o * inputs;
    if (inside) {
      part.insert(part.end(), row + first, row + first + size);
    } else {
      part.insert(part.end(), row, row + first);
      part.insert(part.end(), row + first + size, row + inputs);
    }
  }
  return rewriter.add_constant({outputs, 1, 1, inside ? size : inputs - size}, std::move(part));
}

void visit(Rewriter& rewriter, std::size_t index) {
  if (!is_pointwise(rewriter.node(index)) || rewriter.node(index).inputs.size() > 3) return;
  const std::size_t maker = rewriter.maker(rewriter.node(index).inputs[0], Op::kConcatenate);
  if (maker == Rewriter::kNobody || !rewriter.is_used_once(rewriter.node(maker).output)) return;
  Node rest = rewriter.node(maker);
  if (rest.axis != 3 || !rest.activation.is_identity() || rest.inputs.size() < 2) return;
  std::int64_t first = 0;
  std::size_t branch = 0;
  TensorId pixel = 0;
  for (; branch < rest.inputs.size(); ++branch) {
    const std::size_t expand = rewriter.maker(rest.inputs[branch], Op::kExpand);
    if (expand != Rewriter::kNobody && rewriter.node(expand).activation.is_identity()) {
      pixel = rewriter.node(expand).inputs[0];
      if (is_pixel(rewriter.dims(pixel)) && rewriter.dims(pixel)[3] == rewriter.dims(rest.inputs[branch])[3]) break;
    }
    first += rewriter.dims(rest.inputs[branch])[3];
  }
  if (branch == rest.inputs.size()) return;

  Node node = rewriter.node(index);
  const TensorId weights = node.inputs[1];
  const std::int64_t outputs = rewriter.dims(weights)[0];
  const std::int64_t size = rewriter.dims(pixel)[3];
  const TensorId share = rewriter.add_tensor({1, 1, 1, outputs});
  rewriter.insert_before(index, {.op = Op::kConvolution,
                                 .inputs = {pixel, part_of_weights(rewriter, weights, first, size, true)},
                                 .output = share});
  rest.inputs.erase(rest.inputs.begin() + static_cast<std::ptrdiff_t>(branch));
  std::vector<std::int64_t> dims = rewriter.dims(rest.output);
  dims[3] -= size;
  rest.output = rewriter.add_tensor(std::move(dims));
  node.inputs[0] = rest.output;
  node.inputs[1] = part_of_weights(rewriter, weights, first, size, false);
  if (node.inputs.size() == 2)
    node.inputs.push_back(rewriter.add_constant({outputs}, std::vector<float>(static_cast<std::size_t>(outputs))));
  node.inputs.push_back(share);
  rewriter.set(maker, std::move(rest));
  rewriter.set(index, std::move(node));
}

}  // namespace

bool split_pooled_branch(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
