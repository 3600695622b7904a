#include <limits>

#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

bool is_never_negative(Rewriter& rewriter, TensorId id) {
  const std::size_t maker = rewriter.maker(id);
  if (maker == Rewriter::kNobody) return false;
  const Activation& activation = rewriter.node(maker).activation;
  return activation.min >= 0 || activation.function == Activation::Function::kHardsigmoid ||
         activation.function == Activation::Function::kSigmoid;
}

/// Whether a node ignores padding as it does its own.
bool is_neutral(Rewriter& rewriter, const Node& pad, const Node& node) {
  switch (node.op) {
    case Op::kConvolution:
    case Op::kDepthwiseConvolution: return pad.parameter == 0;
    case Op::kMaxPool:
      return pad.parameter == -std::numeric_limits<float>::infinity() ||
             (pad.parameter == 0 && is_never_negative(rewriter, pad.inputs[0]));
    default: return false;
  }
}

void visit(Rewriter& rewriter, std::size_t index) {
  const std::size_t maker = rewriter.node(index).inputs.empty()
                                ? Rewriter::kNobody
                                : rewriter.maker(rewriter.node(index).inputs[0], Op::kPad);
  if (maker == Rewriter::kNobody) return;
  const Node& pad = rewriter.node(maker);
  if (!pad.activation.is_identity() || !is_neutral(rewriter, pad, rewriter.node(index)) || pad.before[0] != 0 ||
      pad.after[0] != 0 || pad.before[3] != 0 || pad.after[3] != 0)
    return;
  Node node = rewriter.node(index);
  node.inputs[0] = pad.inputs[0];
  node.window.pad_top += pad.before[1];
  node.window.pad_bottom += pad.after[1];
  node.window.pad_left += pad.before[2];
  node.window.pad_right += pad.after[2];
  // A maximum may see nothing but padding, which has to stay then.
  const auto dims = result_dims(rewriter.graph(), node);
  if (dims && *dims == rewriter.dims(node.output)) rewriter.set(index, std::move(node));
}

}  // namespace

bool fold_padding(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
