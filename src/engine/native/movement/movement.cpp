#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "engine/native/movement/gather.hpp"
#include "engine/native/planning/choice.hpp"
#include "graph/operators.hpp"

namespace silhouette::native {
namespace {

using graph::Node;
using graph::Op;
using graph::TensorId;

bool is_order(const Node& node, std::initializer_list<std::int64_t> order) {
  return std::ranges::equal(node.order, order);
}

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// The boxes that make a node's result, and what else belongs to it.
class Moves {
 public:
  Moves(Builder& builder, const Node& node, Layout layout)
      : builder_(builder), node_(node), layout_(layout), to_(builder.result(node.output, layout)) {}

  [[nodiscard]] View to() const { return to_; }
  std::vector<Box>& boxes() { return boxes_; }

  /// Everything of the image, in blocks: the lanes that are none are filled by finish().
  [[nodiscard]] Place image() const { return place(builder_, to_, layout_, *builder_.image(node_.output)); }

  void add(const Place& from, const Place& to, const ImageShape& region) {
    add_region(builder_, from, to, region, boxes_);
  }
  void add(const Strided& from, std::int64_t from_offset, std::int64_t to_offset,
           const std::vector<std::int64_t>& counts, const std::vector<std::int64_t>& strides) {
    Box box{.from = from.view.at(index(from_offset)), .to = to_.at(index(to_offset)), .loops = {}};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      box.loops.push_back({.count = counts[i], .from = from.strides[i], .to = strides[i]});
    }
    boxes_.push_back(std::move(box));
  }

  void finish(bool has_unused_lanes = true) {
    const auto& dims = builder_.tensor(node_.output).dims;
    if (layout_ != Layout::kBlocked) {
      add_rest(builder_, to_, graph::count(dims), boxes_);
    } else if (has_unused_lanes) {
      add_unused_lanes(builder_, image(), *builder_.image(node_.output), boxes_);
    }
    add_gather(builder_, fmt::format("{} {}", graph::op_name(node_.op), fmt::join(dims, "x")), boxes_);
    add_activation(builder_, node_, layout_, to_);
  }

 private:
  Builder& builder_;
  const Node& node_;
  Layout layout_;
  View to_;
  std::vector<Box> boxes_;
};

/// Whether arrays have more dimensions than a gather has loops.
bool is_too_deep(const Network& network, const Node& node) {
  return network.tensor(node.output).dims.size() > kMostLoops ||
         std::ranges::any_of(node.inputs, [&](TensorId id) { return network.tensor(id).dims.size() > kMostLoops; });
}

/// Whether a node's operands and its result are images, so that they may lie in any layout.
bool moves_images(const Network& network, const Node& node) {
  return network.image(node.output) &&
         std::ranges::all_of(node.inputs, [&](TensorId id) { return network.image(id).has_value(); });
}

Place placed(Builder& builder, TensorId id, Layout layout) {
  return place(builder, builder.view(id, layout), layout, *builder.image(id));
}

void emit_transpose(Builder& builder, const Node& node, const choice::Move& chosen) {
  const TensorId from = node.inputs[0];
  if (chosen.layout) {
    Moves moves(builder, node, Layout::kBlocked);
    Place source = placed(builder, from, Layout::kBlocked);
    std::swap(source.y, source.x);
    moves.add(source, moves.image(), *builder.image(node.output));
    moves.finish();
    return;
  }
  Strided source = strided(builder, from, Layout::kDense);
  const std::vector<std::int64_t> before = source.strides;
  for (std::size_t i = 0; i < before.size(); ++i) source.strides[i] = before[index(node.order[i])];
  const auto& dims = builder.tensor(node.output).dims;
  Moves moves(builder, node, Layout::kDense);
  moves.add(source, 0, 0, dims, dense_strides(dims));
  moves.finish();
}

void emit_slice(Builder& builder, const Node& node, const choice::Move& chosen) {
  const TensorId from = node.inputs[0];
  const auto& dims = builder.tensor(node.output).dims;
  if (chosen.layout) {
    const Place source = placed(builder, from, *chosen.layout).moved(node.before[1], node.before[2], node.before[3]);
    Moves moves(builder, node, *chosen.layout);
    moves.add(source, moves.image(), *builder.image(node.output));
    moves.finish();
    return;
  }
  const Strided source = strided(builder, from, Layout::kDense);
  std::int64_t start = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) start += node.before[i] * source.strides[i];
  Moves moves(builder, node, Layout::kDense);
  moves.add(source, start, 0, dims, dense_strides(dims));
  moves.finish();
}

/// The padding around an image: above and below it, left and right of it, channels before and after its own.
void add_borders(Moves& moves, const Node& node, const ImageShape& in, const ImageShape& out, const Place& value) {
  const Place to = moves.image();
  const std::int64_t top = node.before[1];
  const std::int64_t left = node.before[2];
  const std::int64_t first = node.before[3];
  moves.add(value, to, {.height = top, .width = out.width, .channels = out.channels});
  moves.add(value, to.moved(top + in.height, 0, 0),
            {.height = node.after[1], .width = out.width, .channels = out.channels});
  moves.add(value, to.moved(top, 0, 0), {.height = in.height, .width = left, .channels = out.channels});
  moves.add(value, to.moved(top, left + in.width, 0),
            {.height = in.height, .width = node.after[2], .channels = out.channels});
  moves.add(value, to.moved(top, left, 0), {.height = in.height, .width = in.width, .channels = first});
  moves.add(value, to.moved(top, left, first + in.channels),
            {.height = in.height, .width = in.width, .channels = node.after[3]});
}

void emit_pad(Builder& builder, const Node& node, const choice::Move& chosen) {
  const TensorId from = node.inputs[0];
  const auto& dims = builder.tensor(node.output).dims;
  if (chosen.layout) {
    const Place source = placed(builder, from, *chosen.layout);
    Moves moves(builder, node, *chosen.layout);
    const ImageShape in = *builder.image(from);
    add_borders(moves, node, in, *builder.image(node.output), constant_place(builder, node.parameter));
    moves.add(source, moves.image().moved(node.before[1], node.before[2], node.before[3]), in);
    moves.finish();
    return;
  }
  const Strided source = strided(builder, from, Layout::kDense);
  const std::vector<std::int64_t> strides = dense_strides(dims);
  const Strided value{constant_place(builder, node.parameter).view, std::vector<std::int64_t>(dims.size(), 0)};
  Moves moves(builder, node, Layout::kDense);
  // Before and after, dimension by dimension: all of those within, of those outside only where there is data.
  std::vector<std::int64_t> counts = dims;
  std::int64_t start = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::int64_t data = builder.tensor(from).dims[i];
    for (const bool is_after : {false, true}) {
      counts[i] = is_after ? node.after[i] : node.before[i];
      const std::int64_t at = is_after ? node.before[i] + data : 0;
      if (counts[i] > 0) moves.add(value, 0, start + at * strides[i], counts, strides);
    }
    counts[i] = data;
    start += node.before[i] * strides[i];
  }
  moves.add(source, 0, start, counts, strides);
  moves.finish();
}

void emit_expand(Builder& builder, const Node& node, const choice::Move& chosen) {
  const TensorId from = node.inputs[0];
  const auto& dims = builder.tensor(node.output).dims;
  if (chosen.layout) {
    const ImageShape shape = *as_image(builder.tensor(from).dims);
    const ImageShape whole = *builder.image(node.output);
    const View view = builder.view(from, *chosen.layout);
    const Place source = repeated(place(builder, view, *chosen.layout, shape), shape, whole);
    Moves moves(builder, node, Layout::kBlocked);
    moves.add(source, moves.image(), whole);
    moves.finish();
    return;
  }
  Strided source = strided(builder, from, Layout::kDense);
  const auto& narrow = builder.tensor(from).dims;
  for (std::size_t i = 0; i < narrow.size(); ++i) {
    if (narrow[i] == 1) source.strides[i] = 0;
  }
  source.strides.insert(source.strides.begin(), dims.size() - narrow.size(), 0);
  Moves moves(builder, node, Layout::kDense);
  moves.add(source, 0, 0, dims, dense_strides(dims));
  moves.finish();
}

/// Where a concatenation's operand lies in blocks, or will, if nothing has to be made for it.
std::optional<View> view_in_blocks(const Places& places, TensorId id) {
  const auto existing = places.existing(id, Layout::kBlocked);
  return existing ? existing : places.reserved(id);
}

}  // namespace

std::vector<Reservation> choose_reservations(const Network& network) {
  std::vector<Reservation> result;
  std::set<TensorId> taken;
  const auto block = static_cast<std::int64_t>(network.block());
  for (const Node& node : network.graph().nodes) {
    if (node.op != Op::kConcatenate || !network.image(node.output) || node.axis != 3 ||
        !node.activation.is_identity()) {
      continue;
    }
    std::int64_t channel = 0;
    for (std::size_t i = 0; i < node.inputs.size() && channel % block == 0; ++i) {
      const TensorId id = node.inputs[i];
      const std::int64_t channels = network.tensor(id).dims[3];
      const bool is_last = i + 1 == node.inputs.size();
      const Node* const maker = network.maker(id);
      if (maker != nullptr && graph::properties(maker->op).makes_image && (channels % block == 0 || is_last) &&
          std::ranges::count(node.inputs, id) == 1 && taken.insert(id).second) {
        result.push_back({.part = id, .whole = node.output, .channel = static_cast<std::size_t>(channel)});
      }
      channel += channels;
    }
  }
  return result;
}

std::optional<choice::Concatenation> choose_concatenation(const Network& network, const Places& places,
                                                          const Node& node) {
  if (is_too_deep(network, node)) return std::nullopt;
  choice::Concatenation chosen;
  if (!moves_images(network, node)) return chosen;
  chosen.layout = common_layout(network, places, node.inputs);
  const auto whole = places.reserved(node.output);
  const auto pixels = index(network.image(node.output)->pixels());
  std::size_t channel = 0;
  for (const TensorId id : node.inputs) {
    chosen.in_place.push_back(chosen.layout == Layout::kBlocked && node.axis == 3 && whole &&
                              channel % network.block() == 0 &&
                              view_in_blocks(places, id) == whole->at(channel * pixels));
    channel += index(network.image(id)->channels);
  }
  return chosen;
}

void emit(Builder& builder, const Node& node, const choice::Concatenation& chosen) {
  const auto& dims = builder.tensor(node.output).dims;
  const std::size_t axis = index(node.axis);
  if (!chosen.layout) {
    std::vector<Strided> sources;
    for (const TensorId id : node.inputs) sources.push_back(strided(builder, id, Layout::kDense));
    Moves moves(builder, node, Layout::kDense);
    const std::vector<std::int64_t> strides = dense_strides(dims);
    std::int64_t at = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const auto& part = builder.tensor(node.inputs[i]).dims;
      moves.add(sources[i], 0, at * strides[axis], part, strides);
      at += part[axis];
    }
    moves.finish();
    return;
  }
  std::vector<Place> sources;
  for (const TensorId id : node.inputs) sources.push_back(placed(builder, id, *chosen.layout));
  Moves moves(builder, node, *chosen.layout);
  const Place whole = moves.image();
  std::int64_t at = 0;
  bool has_unused_lanes = true;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const ImageShape part = *builder.image(node.inputs[i]);
    const Place to = whole.moved(axis == 1 ? at : 0, axis == 2 ? at : 0, axis == 3 ? at : 0);
    if (!chosen.in_place[i]) moves.add(sources[i], to, part);
    has_unused_lanes = !chosen.in_place[i];
    at += part.height * (axis == 1 ? 1 : 0) + part.width * (axis == 2 ? 1 : 0) + part.channels * (axis == 3 ? 1 : 0);
  }
  moves.finish(has_unused_lanes);
}

Choice choose_movement(const Network& network, const Places& places, const Node& node) {
  const TensorId from = node.inputs[0];
  const bool is_rename = node.activation.is_identity();
  if (node.op == Op::kCopy) {
    if (!is_rename) return *choose_unary(network, places, node);
    const bool is_same = network.tensor(from).dims == network.tensor(node.output).dims;
    return choice::Rename{.in_all_layouts = is_same && !network.tensor(from).is_constant()};
  }
  if (is_too_deep(network, node)) return choice::Plain{};
  choice::Move chosen;
  const bool moves = moves_images(network, node);
  const Layout common = moves ? common_layout(network, places, node.inputs) : Layout::kDense;
  switch (node.op) {
    case Op::kTranspose:
      // Planes to pixels and back are the same values under another name.
      if (is_rename && is_order(node, {0, 2, 3, 1}) && network.image(node.output)) {
        return choice::Rename{.from = Layout::kDense, .to = Layout::kPlanar};
      }
      if (is_rename && is_order(node, {0, 3, 1, 2}) && network.image(from)) {
        return choice::Rename{.from = Layout::kPlanar, .to = Layout::kDense};
      }
      if (is_order(node, {0, 2, 1, 3}) && common == Layout::kBlocked) chosen.layout = common;
      return chosen;
    case Op::kExpand:
      if (!network.image(node.output) || !as_image(network.tensor(from).dims)) return chosen;
      if (!network.image(from)) chosen.layout = Layout::kDense;
      if (common == Layout::kBlocked) chosen.layout = common;
      return chosen;
    default:
      if (moves) chosen.layout = common;
      return chosen;
  }
}

void emit(Builder& builder, const Node& node, const choice::Rename& chosen) {
  const TensorId from = node.inputs[0];
  if (!chosen.in_all_layouts) {
    builder.define(node.output, chosen.to, builder.view(from, chosen.from));
    return;
  }
  for (const Layout layout : {Layout::kDense, Layout::kPlanar, Layout::kBlocked}) {
    if (const auto view = builder.places().existing(from, layout)) builder.define(node.output, layout, *view);
  }
}

void emit(Builder& builder, const Node& node, const choice::Move& chosen) {
  switch (node.op) {
    case Op::kTranspose: return emit_transpose(builder, node, chosen);
    case Op::kSlice: return emit_slice(builder, node, chosen);
    case Op::kPad: return emit_pad(builder, node, chosen);
    default: return emit_expand(builder, node, chosen);
  }
}

}  // namespace silhouette::native
