#include "engine/native/planning/builder.hpp"

#include <algorithm>

#include "engine/native/planning/choice.hpp"

namespace silhouette::native {
namespace {

constexpr std::size_t kWeightAlignment = 16;

}  // namespace

Builder::Builder(const graph::Graph& graph, bool planar_output, const PlanOptions& options)
    : Network(graph, planar_output, options), places_(graph.tensors.size()) {
  build_.plan.buffers.resize(kOutputBuffer + 1);
  define(graph.input, Layout::kDense, {kInputBuffer, 0});
}

View Builder::add_buffer(std::size_t floats) {
  build_.plan.buffers.push_back({.size = floats, .offset = 0});
  return {static_cast<std::uint32_t>(build_.plan.buffers.size() - 1), 0};
}

View Builder::add_weights(std::size_t floats, std::size_t parts, std::function<bool(float*, std::size_t)> pack) {
  // Where it doesn't fit, so many weights are refused before anybody looks there.
  const auto offset = static_cast<std::size_t>(build_.plan.weights);
  build_.plan.weights += (floats + kWeightAlignment - 1) / kWeightAlignment * kWeightAlignment;
  build_.packings.push_back({.offset = offset, .parts = parts, .run = std::move(pack)});
  return {kWeightsBuffer, offset};
}

View Builder::add_channel_values(std::span<const float> values, std::size_t count) {
  // A panel of two blocks may be half empty.
  const std::size_t floats = (count + 2 * block() - 1) / (2 * block()) * (2 * block());
  return add_weights(floats, 1, [values, floats](float* destination, std::size_t) {
    std::ranges::fill_n(std::ranges::copy(values, destination).out, static_cast<std::ptrdiff_t>(floats - values.size()),
                        0.0F);
    return true;
  });
}

View Builder::zeros(std::size_t floats) {
  return add_weights(floats, 1, [floats](float* destination, std::size_t) {
    std::fill_n(destination, floats, 0.0F);
    return true;
  });
}

void Builder::add_step(std::unique_ptr<Step> step) {
  step->origin = node_;
  step->is_tail = tail_.has_value();
  step->tail = tail_.value_or(Tail::kWhole);
  build_.plan.steps.push_back(std::move(step));
}

void Builder::define(graph::TensorId id, Layout layout, View view) {
  places_.define(id, layout, view);
  // One pixel's values are the same in every layout.
  const auto shape = image(id);
  const bool from_outside = view.buffer == kInputBuffer || view.buffer == kOutputBuffer;
  if (shape && shape->pixels() == 1 && !from_outside) places_.define_all(id, view);
}

std::size_t Builder::blocked_floats(const ImageShape& shape) const {
  return blocks(shape.channels) * static_cast<std::size_t>(shape.pixels()) * block();
}

View Builder::result(graph::TensorId id, Layout layout) {
  View view;
  if (layout == Layout::kBlocked) {
    const auto reserved = places_.reserved(id);
    view = reserved ? *reserved : add_buffer(blocked_floats(*image(id)));
  } else {
    const auto count = static_cast<std::size_t>(graph::count(tensor(id).dims));
    view = add_buffer((count + block() - 1) / block() * block());
  }
  define(id, layout, view);
  return view;
}

View Builder::view(graph::TensorId id, Layout layout) {
  if (const auto found = places_.existing(id, layout)) return *found;
  return convert(id, layout);
}

View Builder::convert(graph::TensorId id, Layout layout) {
  const auto& values = tensor(id).constant.values;
  if (tensor(id).is_constant() && !places_.existing(id, Layout::kDense)) {
    define(id, Layout::kDense, add_channel_values(values, values.size()));
    if (const auto found = places_.existing(id, layout)) return *found;
  }
  const auto shape = *image(id);
  Layout from = Layout::kBlocked;
  for (const Layout candidate : {Layout::kDense, Layout::kPlanar, Layout::kBlocked}) {
    if (places_.existing(id, candidate)) from = candidate;
  }
  const View source = *places_.existing(id, from);
  const View destination = result(id, layout);
  add_conversion(*this, shape, source, from, destination, layout, layout != Layout::kBlocked);
  return destination;
}

void Builder::reserve_parts() {
  for (const Reservation& reservation : choose_reservations(*this)) {
    const ImageShape shape = *image(reservation.whole);
    if (!places_.reserved(reservation.whole)) {
      places_.reserve(reservation.whole, add_buffer(blocked_floats(shape)));
    }
    const View whole = *places_.reserved(reservation.whole);
    places_.reserve(reservation.part, whole.at(reservation.channel * static_cast<std::size_t>(shape.pixels())));
  }
}

void Builder::add_pending_tail(const graph::Node& resize) {
  const graph::TensorId small = resize.inputs[0];
  const auto from = places_.existing(small, Layout::kBlocked);
  if (!from || places_.existing(small, Layout::kPlanar)) return;
  tail_ = Tail::kPending;
  const auto shape = *image(small);
  const auto whole = *image(resize.output);
  const View to = add_buffer(static_cast<std::size_t>(shape.pixels() * shape.channels));
  add_conversion(*this, shape, *from, Layout::kBlocked, to, Layout::kPlanar);
  build_.plan.pending_output = to.buffer;
  build_.plan.pending = Pending{.height = static_cast<int>(shape.height),
                                .width = static_cast<int>(shape.width),
                                .upsampling = {.height = static_cast<int>(whole.height),
                                               .width = static_cast<int>(whole.width),
                                               .aligned_corners = resize.corners == graph::Corners::kAligned}};
}

void Builder::add_output(const graph::Node* resize) {
  // The result goes straight to the caller if it is made only there; else it is brought there.
  const graph::TensorId output = graph().output;
  if (resize != nullptr) tail_ = Tail::kWhole;
  const View made = view(output, planar_output() ? Layout::kPlanar : Layout::kDense);
  // Blocks would be more than the caller has room for; a last block that is filled up with zeros isn't (AlignedBuffer).
  const bool layout_is_exact = places_.existing(output, Layout::kBlocked) != made && made.offset == 0;
  const auto reads = [&](const std::unique_ptr<Step>& step) {
    return std::ranges::count(step->reads, made.buffer) > 0;
  };
  if (made.buffer > kOutputBuffer && layout_is_exact && std::ranges::none_of(build_.plan.steps, reads)) {
    build_.plan.output = made.buffer;
    return;
  }
  const auto count = static_cast<std::int64_t>(graph::count(tensor(output).dims));
  add_conversion(*this, {.height = 1, .width = 1, .channels = count}, made, Layout::kDense, {kOutputBuffer, 0},
                 Layout::kDense);
}

Build Builder::finish() {
  reserve_parts();
  const graph::Node* const resize = last_resize(*this);
  for (std::uint32_t i = 0; i < graph().nodes.size(); ++i) {
    const graph::Node& node = graph().nodes[i];
    if (&node == resize || (resize != nullptr && node.output == graph().output)) {
      // What the pending tail reads mustn't be first made in the other's steps.
      view(resize->inputs[0], Layout::kBlocked);
      tail_ = Tail::kWhole;
    }
    node_ = i;
    const Choice choice = choose(*this, places_, node);
    build_.methods.push_back(method(choice));
    emit_choice(*this, node, choice);
    tail_.reset();
  }
  add_output(resize);
  if (resize != nullptr) add_pending_tail(*resize);
  place_buffers(build_.plan);
  return std::move(build_);
}

Build build_plan(const graph::Graph& graph, bool planar_output, const PlanOptions& options) {
  return Builder(graph, planar_output, options).finish();
}

}  // namespace silhouette::native
