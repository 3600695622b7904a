#include "engine/native/planning/limits.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace silhouette::native {
namespace {

using graph::Graph;
using graph::Node;
using graph::Tensor;

/// Lines or columns of an image: plans list them.
constexpr std::int64_t kMostLines = std::int64_t{1} << 22;

constexpr bool kIsSmall = sizeof(std::size_t) == 4;
/// Where addresses have 32 bits: of one image or one node's weights, as they are filled up with zeros. Transforms make
/// four times as much of them, and 2³² floats are counted.
constexpr double kMostPaddedFloats = 1 << 28;

double filled_up(std::int64_t count, std::size_t to) {
  const auto whole = static_cast<std::int64_t>(to);
  const std::int64_t filled = (count + whole - 1) / whole * whole;
  return static_cast<double>(filled);
}

/// Of all that a tensor is filled up to in any layout: channels to whole blocks; of weights, which are read along
/// either of their ends, columns to whole panels too.
double padded_floats(const Tensor& tensor, std::size_t block) {
  double floats = 1;
  for (const std::int64_t dim : tensor.dims) floats *= static_cast<double>(dim);
  if (tensor.dims.empty()) return floats;
  const std::int64_t last = tensor.dims.back();
  floats *= filled_up(last, block) / static_cast<double>(std::max<std::int64_t>(last, 1));
  if (tensor.is_constant() && tensor.dims.size() > 1) {
    const std::int64_t first = tensor.dims.front();
    floats *= filled_up(first, 2 * block) / static_cast<double>(std::max<std::int64_t>(first, 1));
  }
  return floats;
}

/// Of an image and all that its node's window looks at around it.
double window_floats(const Graph& graph, const Node& node, std::size_t block) {
  const auto& dims = graph.tensors[node.inputs[0]].dims;
  if (dims.size() != 4) return 0;
  const graph::Window& window = node.window;
  const auto side = [](std::int64_t size, std::int64_t before, std::int64_t after) {
    return static_cast<double>(size) + static_cast<double>(before) + static_cast<double>(after);
  };
  return side(dims[1], window.pad_top, window.pad_bottom) * side(dims[2], window.pad_left, window.pad_right) *
         filled_up(dims[3], block);
}

}  // namespace

Result<void> check_sizes(const Graph& graph, std::size_t block, std::string_view name) {
  for (const Tensor& tensor : graph.tensors) {
    if (tensor.is_constant() || tensor.dims.size() != 4) continue;
    if (std::max(tensor.dims[1], tensor.dims[2]) <= kMostLines) continue;
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("'{}' makes images of {} × {}, at most {} a side are possible; use a smaller model", name,
                            tensor.dims[1], tensor.dims[2], kMostLines));
  }
  if (kIsSmall) {
    double most = 0;
    for (const Tensor& tensor : graph.tensors) most = std::max(most, padded_floats(tensor, block));
    for (const Node& node : graph.nodes) {
      if (!node.inputs.empty()) most = std::max(most, window_floats(graph, node, block));
    }
    if (most > kMostPaddedFloats) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("one step of '{}' wants {:.0f} MB, more than {:.0f} MB; use a smaller model", name,
                              most / (1 << 18), kMostPaddedFloats / (1 << 18)));
    }
  }
  return {};
}

}  // namespace silhouette::native
