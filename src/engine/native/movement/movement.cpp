#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "engine/native/movement/gather.hpp"

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
bool is_too_deep(const Builder& builder, const Node& node) {
  return builder.tensor(node.output).dims.size() > kMostLoops ||
         std::ranges::any_of(node.inputs, [&](TensorId id) { return builder.tensor(id).dims.size() > kMostLoops; });
}

/// Whether a node's operands and its result are images, so that they may lie in any layout.
bool moves_images(const Builder& builder, const Node& node) {
  return builder.image(node.output) &&
         std::ranges::all_of(node.inputs, [&](TensorId id) { return builder.image(id).has_value(); });
}

Place placed(Builder& builder, TensorId id, Layout layout) {
  return place(builder, builder.view(id, layout), layout, *builder.image(id));
}

bool add_copy(Builder& builder, const Node& node) {
  const TensorId from = node.inputs[0];
  const bool same = builder.tensor(from).dims == builder.tensor(node.output).dims;
  if (!node.activation.is_identity()) return add_unary(builder, node);
  if (same && !builder.tensor(from).is_constant()) {
    for (const Layout layout : {Layout::kDense, Layout::kPlanar, Layout::kBlocked}) {
      if (const auto view = builder.existing(from, layout)) builder.define(node.output, layout, *view);
    }
  } else {
    builder.define(node.output, Layout::kDense, builder.view(from, Layout::kDense));
  }
  return true;
}

bool add_transpose(Builder& builder, const Node& node) {
  const TensorId from = node.inputs[0];
  if (node.activation.is_identity()) {
    // Planes to pixels and back are the same values under another name.
    if (is_order(node, {0, 2, 3, 1}) && builder.image(node.output)) {
      builder.define(node.output, Layout::kPlanar, builder.view(from, Layout::kDense));
      return true;
    }
    if (is_order(node, {0, 3, 1, 2}) && builder.image(from)) {
      builder.define(node.output, Layout::kDense, builder.view(from, Layout::kPlanar));
      return true;
    }
  }
  if (is_order(node, {0, 2, 1, 3}) && moves_images(builder, node) &&
      common_layout(builder, node.inputs) == Layout::kBlocked) {
    Moves moves(builder, node, Layout::kBlocked);
    Place source = placed(builder, from, Layout::kBlocked);
    std::swap(source.y, source.x);
    moves.add(source, moves.image(), *builder.image(node.output));
    moves.finish();
    return true;
  }
  Strided source = strided(builder, from, Layout::kDense);
  const std::vector<std::int64_t> strides = source.strides;
  for (std::size_t i = 0; i < strides.size(); ++i) source.strides[i] = strides[index(node.order[i])];
  const auto& dims = builder.tensor(node.output).dims;
  Moves moves(builder, node, Layout::kDense);
  moves.add(source, 0, 0, dims, dense_strides(dims));
  moves.finish();
  return true;
}

bool add_slice(Builder& builder, const Node& node) {
  const TensorId from = node.inputs[0];
  const auto& dims = builder.tensor(node.output).dims;
  if (moves_images(builder, node)) {
    const Layout layout = common_layout(builder, node.inputs);
    const Place source = placed(builder, from, layout).moved(node.before[1], node.before[2], node.before[3]);
    Moves moves(builder, node, layout);
    moves.add(source, moves.image(), *builder.image(node.output));
    moves.finish();
    return true;
  }
  const Strided source = strided(builder, from, Layout::kDense);
  std::int64_t start = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) start += node.before[i] * source.strides[i];
  Moves moves(builder, node, Layout::kDense);
  moves.add(source, start, 0, dims, dense_strides(dims));
  moves.finish();
  return true;
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

bool add_pad(Builder& builder, const Node& node) {
  const TensorId from = node.inputs[0];
  const auto& dims = builder.tensor(node.output).dims;
  if (moves_images(builder, node)) {
    const Layout layout = common_layout(builder, node.inputs);
    const Place source = placed(builder, from, layout);
    Moves moves(builder, node, layout);
    const ImageShape in = *builder.image(from);
    add_borders(moves, node, in, *builder.image(node.output), constant_place(builder, node.parameter));
    moves.add(source, moves.image().moved(node.before[1], node.before[2], node.before[3]), in);
    moves.finish();
    return true;
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
  return true;
}

bool add_expand(Builder& builder, const Node& node) {
  const TensorId from = node.inputs[0];
  const auto& dims = builder.tensor(node.output).dims;
  const auto shape = as_image(builder.tensor(from).dims);
  const bool is_image = builder.image(from).has_value();
  if (builder.image(node.output) && shape && (!is_image || common_layout(builder, node.inputs) == Layout::kBlocked)) {
    const Layout layout = is_image ? Layout::kBlocked : Layout::kDense;
    const ImageShape whole = *builder.image(node.output);
    const Place source = repeated(place(builder, builder.view(from, layout), layout, *shape), *shape, whole);
    Moves moves(builder, node, Layout::kBlocked);
    moves.add(source, moves.image(), whole);
    moves.finish();
    return true;
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
  return true;
}

}  // namespace

bool add_concatenation(Builder& builder, const Node& node) {
  if (is_too_deep(builder, node)) return false;
  const auto& dims = builder.tensor(node.output).dims;
  const std::size_t axis = index(node.axis);
  if (!moves_images(builder, node)) {
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
    return true;
  }
  const Layout layout = common_layout(builder, node.inputs);
  std::vector<Place> sources;
  for (const TensorId id : node.inputs) sources.push_back(placed(builder, id, layout));
  Moves moves(builder, node, layout);
  const auto block = static_cast<std::int64_t>(builder.block());
  const Place whole = moves.image();
  std::int64_t at = 0;
  bool has_unused_lanes = true;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const ImageShape part = *builder.image(node.inputs[i]);
    const Place to = whole.moved(axis == 1 ? at : 0, axis == 2 ? at : 0, axis == 3 ? at : 0);
    // Made there already.
    const bool is_in_place = layout == Layout::kBlocked && axis == 3 && at % block == 0 &&
                             sources[i].view == moves.to().at(index(at / block * whole.channel));
    if (!is_in_place) moves.add(sources[i], to, part);
    has_unused_lanes = !is_in_place;
    at += part.height * (axis == 1 ? 1 : 0) + part.width * (axis == 2 ? 1 : 0) + part.channels * (axis == 3 ? 1 : 0);
  }
  moves.finish(has_unused_lanes);
  return true;
}

bool add_movement(Builder& builder, const Node& node) {
  if (node.op == Op::kCopy) return add_copy(builder, node);
  if (is_too_deep(builder, node)) return false;
  switch (node.op) {
    case Op::kTranspose: return add_transpose(builder, node);
    case Op::kSlice: return add_slice(builder, node);
    case Op::kPad: return add_pad(builder, node);
    case Op::kExpand: return add_expand(builder, node);
    default: return false;
  }
}

}  // namespace silhouette::native
