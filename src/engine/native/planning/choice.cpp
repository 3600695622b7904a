#include "engine/native/planning/choice.hpp"

#include "graph/operators.hpp"

namespace silhouette::native {
namespace {

using graph::Op;

/// The plain interpreter where there is no better way.
template <typename Found>
Choice or_plain(std::optional<Found> found) {
  if (found) return *std::move(found);
  return choice::Plain{};
}
template <typename Way>
Choice if_possible(bool possible) {
  if (possible) return Way{};
  return choice::Plain{};
}

Choice choose_convolution(const Network& network, const graph::Node& node) {
  if (auto found = choose_winograd(network, node)) return *std::move(found);
  if (const auto found = choose_strassen(network, node)) return *found;
  return or_plain(choose_product(network, node));
}

Choice choose_transpose_convolution(const Network& network, const graph::Node& node) {
  if (is_spread_product(network, node)) return choice::SpreadProduct{};
  return if_possible<choice::TransposedLines>(is_transposed_lines(network, node));
}

}  // namespace

Choice choose(const Network& network, const Places& places, const graph::Node& node) {
  if (places.existing(node.output, Layout::kBlocked)) return choice::MadeAlready{};
  if (graph::is_unary(node.op)) return or_plain(choose_unary(network, places, node));
  if (graph::is_binary(node.op)) return choose_binary(network, places, node);
  switch (node.op) {
    case Op::kConvolution: return choose_convolution(network, node);
    case Op::kTransposeConvolution: return choose_transpose_convolution(network, node);
    case Op::kDepthwiseConvolution: return if_possible<choice::Depthwise>(is_depthwise(network, node));
    case Op::kFullyConnected: return if_possible<choice::FullyConnected>(is_fully_connected(network, node));
    case Op::kAveragePool:
    case Op::kMaxPool: return if_possible<choice::Pool>(is_pool(network, node));
    case Op::kGlobalAverage: return if_possible<choice::GlobalAverage>(network.image(node.inputs[0]).has_value());
    case Op::kResizeBilinear: return or_plain(choose_resize(network, node));
    case Op::kConcatenate: return or_plain(choose_concatenation(network, places, node));
    case Op::kCopy:
    case Op::kExpand:
    case Op::kPad:
    case Op::kSlice:
    case Op::kTranspose: return choose_movement(network, places, node);
    case Op::kSoftmax: return choose_softmax(network, places, node);
    default: return choice::Plain{};
  }
}

std::string_view method(const Choice& choice) noexcept {
  return std::visit([](const auto& chosen) { return chosen.kName; }, choice);
}

void emit_choice(Builder& builder, const graph::Node& node, const Choice& choice) {
  std::visit([&](const auto& chosen) { emit(builder, node, chosen); }, choice);
}

}  // namespace silhouette::native
