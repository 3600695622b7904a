#include "graph/passes.hpp"

#include <array>

#include "graph/passes/all.hpp"

namespace silhouette::graph {
namespace {

// Compositions are recognised before scales are folded, which would take them apart; a convolution changes places with
// a resize before it gets an addend, which would keep it from that.
constexpr std::array kPasses{
    Pass{"fold-constants", fold_constants},
    Pass{"remove-copies", remove_copies},
    Pass{"join-transposes", join_transposes},
    Pass{"sink-layouts", sink_layouts},
    Pass{"broadcast-operands", broadcast_operands},
    Pass{"fuse-activations", fuse_activations},
    Pass{"recognize-activations", recognize_activations},
    Pass{"fold-scales", fold_scales},
    Pass{"convolve-before-resize", convolve_before_resize},
    Pass{"fuse-additions", fuse_additions},
    Pass{"fold-padding", fold_padding},
    Pass{"trim-kernels", trim_kernels},
    Pass{"flatten-concatenations", flatten_concatenations},
    Pass{"split-pooled-branch", split_pooled_branch},
    Pass{"drop-dead", drop_dead},
};

}  // namespace

std::span<const Pass> passes() noexcept {
  return kPasses;
}

void optimize(Graph& graph, const std::function<void(const Pass&, const Graph&)>& after) {
  // Real networks settle in three rounds; one that is made to go on and on stops here, as right as before.
  constexpr int kMostRounds = 16;
  for (int round = 0; round < kMostRounds; ++round) {
    bool changed = false;
    for (const Pass& pass : kPasses) {
      if (!pass.run(graph)) continue;
      changed = true;
      if (after) after(pass, graph);
    }
    if (!changed) return;
  }
}

}  // namespace silhouette::graph
