#include "graph/passes/all.hpp"
#include "graph/rewriter.hpp"

namespace silhouette::graph {
namespace {

/// Whether the convolution at `maker` can add `other` itself, to make what the addition made.
bool can_add(Rewriter& rewriter, std::size_t maker, const Node& addition, TensorId other) {
  if (maker == Rewriter::kNobody) return false;
  const Node& node = rewriter.node(maker);
  const auto& dims = rewriter.dims(node.output);
  return node.op == Op::kConvolution && node.activation.is_identity() && node.inputs.size() < 4 &&
         rewriter.is_used_once(node.output) && dims == rewriter.dims(addition.output) &&
         (rewriter.dims(other) == dims || (is_pixel(rewriter.dims(other)) && rewriter.dims(other)[3] == dims[3]));
}

void visit(Rewriter& rewriter, std::size_t index) {
  const Node addition = rewriter.node(index);
  if (addition.op != Op::kAdd) return;
  std::size_t chosen = Rewriter::kNobody;
  TensorId addend = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t maker = rewriter.maker(addition.inputs[i]);
    // Of two, the later one: its operands are the most likely to be alive here anyway.
    if (can_add(rewriter, maker, addition, addition.inputs[1 - i]) && (chosen == Rewriter::kNobody || maker > chosen)) {
      chosen = maker;
      addend = addition.inputs[1 - i];
    }
  }
  if (chosen == Rewriter::kNobody) return;
  Node node = rewriter.node(chosen);
  if (node.inputs.size() == 2) {
    const std::int64_t channels = rewriter.dims(node.output)[3];
    node.inputs.push_back(rewriter.add_constant({channels}, std::vector<float>(static_cast<std::size_t>(channels))));
  }
  node.inputs.push_back(addend);
  node.activation = addition.activation;
  node.output = addition.output;
  // It runs where the addition did, when the addend is there whatever makes it.
  rewriter.remove(chosen);
  rewriter.set(index, std::move(node));
}

}  // namespace

bool fuse_additions(Graph& graph) {
  return Rewriter::sweep(graph, visit);
}

}  // namespace silhouette::graph
