#include "engine/native/planning/network.hpp"

#include <algorithm>

namespace silhouette::native {
namespace {

/// Below this a task costs more to hand out than it saves: some microseconds of work.
constexpr std::int64_t kSmallestTask = 100'000;
/// Tasks for each thread, so that one that was held up doesn't hold up all.
constexpr std::int64_t kTasksPerThread = 8;

kernels::Function function(graph::Activation::Function function) noexcept {
  switch (function) {
    case graph::Activation::Function::kNone: break;
    case graph::Activation::Function::kHardswish: return kernels::Function::kHardswish;
    case graph::Activation::Function::kHardsigmoid: return kernels::Function::kHardsigmoid;
    case graph::Activation::Function::kSigmoid: return kernels::Function::kSigmoid;
  }
  return kernels::Function::kNone;
}

}  // namespace

Network::Network(const graph::Graph& graph, bool planar_output, const PlanOptions& options)
    : graph_(&graph), planar_output_(planar_output), options_(options), uses_(graph.tensors.size()) {
  for (const graph::Node& node : graph.nodes) {
    uses_[node.output].maker = &node;
    for (const graph::TensorId id : node.inputs) {
      uses_[id].reader = &node;
      ++uses_[id].reads;
    }
  }
}

std::optional<ImageShape> Network::image(graph::TensorId id) const {
  const auto& dims = tensor(id).dims;
  if (dims.size() != 4 || dims[0] != 1) return std::nullopt;
  return ImageShape{.height = dims[1], .width = dims[2], .channels = dims[3]};
}

std::size_t Network::task_count(std::size_t items, std::int64_t multiply_adds) const noexcept {
  return std::max<std::size_t>(1, std::min(items, task_count(multiply_adds)));
}

std::size_t Network::task_count(std::int64_t multiply_adds) const noexcept {
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(multiply_adds / kSmallestTask, 1, kTasksPerThread * options_.threads));
}

kernels::Epilogue epilogue(const graph::Activation& activation) noexcept {
  return {.function = function(activation.function), .min = activation.min, .max = activation.max};
}

bool has_no_padding(const graph::Window& window) noexcept {
  return window.pad_top == 0 && window.pad_left == 0 && window.pad_bottom == 0 && window.pad_right == 0;
}

}  // namespace silhouette::native
