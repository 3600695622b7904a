#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

bool is_pointwise(const Node& node) {
  const Window& w = node.window;
  return node.op == Op::kConvolution && w.kernel_height == 1 && w.kernel_width == 1 && w.stride_height == 1 &&
         w.stride_width == 1 && w.pad_top == 0 && w.pad_bottom == 0 && w.pad_left == 0 && w.pad_right == 0;
}

void visit(Rewriter& rewriter, std::size_t index) {
  Node convolution = rewriter.node(index);
  if (!is_pointwise(convolution) || convolution.inputs.size() > 3 || !convolution.activation.is_identity()) return;
  const std::size_t maker = rewriter.maker(convolution.inputs[0], Op::kResizeBilinear);
  if (maker == Rewriter::kNobody) return;
  Node resize = rewriter.node(maker);
  const auto& small = rewriter.dims(resize.inputs[0]);
  const auto& large = rewriter.dims(resize.output);
  const std::int64_t outputs = rewriter.dims(convolution.output)[3];
  // More channels after than before would make the resize dearer than the convolution gets cheaper.
  if (!resize.activation.is_identity() || !rewriter.is_used_once(resize.output) ||
      large[1] * large[2] <= small[1] * small[2] || outputs > large[3])
    return;
  const TensorId between = rewriter.add_tensor({1, small[1], small[2], outputs});
  convolution.inputs[0] = resize.inputs[0];
  resize.output = convolution.output;
  resize.inputs[0] = between;
  convolution.output = between;
  rewriter.set(maker, std::move(convolution));
  rewriter.set(index, std::move(resize));
}

}  // namespace

bool convolve_before_resize(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
