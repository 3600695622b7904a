#include <fmt/format.h>

#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/choice.hpp"
#include "engine/native/products/product.hpp"

namespace silhouette::native {
namespace {

using graph::Node;

/// Weights [O, I] and bias of a layer, in panels.
void add_constants(Builder& builder, const Node& node, Product::Geometry& g) {
  g.weights = add_panels(builder, g.panels, builder.tensor(node.inputs[1]).constant.values.data(),
                         g.panels.taps * g.panels.channels, g.panels.channels);
  g.bias = builder.add_channel_values(builder.bias(node), g.panels.columns);
}

}  // namespace

bool is_fully_connected(const Network& network, const Node& node) {
  return !network.tensor(node.inputs[0]).dims.empty() && network.has_constant_weights(node);
}

void emit(Builder& builder, const Node& node, const choice::FullyConnected& /*chosen*/) {
  const auto& dims = builder.tensor(node.inputs[0]).dims;
  const auto depth = static_cast<std::size_t>(dims.back());
  const auto outputs = static_cast<std::size_t>(builder.tensor(node.inputs[1]).dims[0]);
  const std::size_t rows = static_cast<std::size_t>(graph::count(dims)) / depth;
  const std::size_t block = builder.block();
  const PanelShape panels{.columns = outputs, .taps = 1, .channels = depth, .tap_channels = depth, .block = block};
  Product::Geometry g;
  g.panels = panels;
  g.a = builder.view(node.inputs[0], Layout::kDense);
  add_constants(builder, node, g);
  g.row_stride = static_cast<std::ptrdiff_t>(depth);
  g.chunk_length = depth;
  g.chunks = 1;
  g.c = builder.add_buffer(rows * builder.blocks(static_cast<std::int64_t>(outputs)) * block);
  g.c_block_stride = static_cast<std::ptrdiff_t>(rows * block);
  g.epilogue = epilogue(node.activation);
  const auto work = static_cast<std::int64_t>(rows * depth * outputs);
  // The time of a few rows' product is that of reading the weights.
  auto step = std::make_unique<Product>(
      builder.kernels(), g, std::vector<Segment>{{.a = 0, .row = 0, .rows = rows, .table = 0}},
      std::vector<std::vector<Tap>>{{{.a = 0, .index = 0}}}, builder.task_count(work * (rows < 4 ? 4 : 1)));
  step->multiply_adds = work;
  step->name = fmt::format("fully connected {}x{} -> {}", rows, depth, outputs);
  builder.add_step(std::move(step));
  if (rows == 1) {
    builder.define(node.output, Layout::kDense, g.c);
    return;
  }
  const View to = builder.add_buffer((rows * outputs + block - 1) / block * block);
  builder.define(node.output, Layout::kDense, to);
  add_conversion(
      builder, {.height = 1, .width = static_cast<std::int64_t>(rows), .channels = static_cast<std::int64_t>(outputs)},
      g.c, Layout::kBlocked, to, Layout::kDense, true);
}

}  // namespace silhouette::native
