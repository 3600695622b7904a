#include "engine/native/planning/builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "graph/operators.hpp"

namespace silhouette::native {
namespace {

using graph::Op;

constexpr std::size_t kWeightAlignment = 16;

/// Below this a task costs more to hand out than it saves: some microseconds of work.
constexpr std::int64_t kSmallestTask = 100'000;
/// Tasks for each thread, so that one that was held up doesn't hold up all.
constexpr std::int64_t kTasksPerThread = 8;

std::size_t index(Layout layout) {
  return static_cast<std::size_t>(layout);
}

}  // namespace

kernels::Epilogue epilogue(const graph::Activation& activation) noexcept {
  return {
      .function = static_cast<kernels::Function>(activation.function), .min = activation.min, .max = activation.max};
}

bool has_no_padding(const graph::Window& window) noexcept {
  return window.pad_top == 0 && window.pad_left == 0 && window.pad_bottom == 0 && window.pad_right == 0;
}

Builder::Builder(const graph::Graph& graph, const PlanOptions& options)
    : graph_(&graph),
      options_(options),
      views_(graph.tensors.size()),
      placed_(graph.tensors.size()),
      uses_(graph.tensors.size()) {
  for (const graph::Node& node : graph.nodes) {
    uses_[node.output].maker = &node;
    for (const graph::TensorId id : node.inputs) {
      uses_[id].reader = &node;
      ++uses_[id].reads;
    }
  }
  build_.plan.buffers.resize(kOutputBuffer + 1);
  define(graph.input, Layout::kDense, {kInputBuffer, 0});
}

std::optional<ImageShape> Builder::image(graph::TensorId id) const {
  const auto& dims = tensor(id).dims;
  if (dims.size() != 4 || dims[0] != 1) return std::nullopt;
  return ImageShape{.height = dims[1], .width = dims[2], .channels = dims[3]};
}

View Builder::add_buffer(std::size_t floats) {
  build_.plan.buffers.push_back({.size = floats, .offset = 0});
  return {static_cast<std::uint32_t>(build_.plan.buffers.size() - 1), 0};
}

View Builder::add_weights(std::size_t floats, std::size_t parts, std::function<bool(float*, std::size_t)> pack) {
  const std::size_t offset = build_.plan.weights;
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

std::optional<View> Builder::existing(graph::TensorId id, Layout layout) const {
  return views_[id][index(layout)];
}

void Builder::define(graph::TensorId id, Layout layout, View view) {
  views_[id][index(layout)] = view;
  // One pixel's values are the same in every layout.
  const auto shape = image(id);
  const bool from_outside = view.buffer == kInputBuffer || view.buffer == kOutputBuffer;
  if (shape && shape->pixels() == 1 && !from_outside) views_[id].fill(view);
}

View Builder::result(graph::TensorId id, Layout layout) {
  const auto shape = image(id);
  View view;
  if (layout == Layout::kBlocked && placed_[id]) {
    view = *placed_[id];
  } else if (layout == Layout::kBlocked) {
    view = add_buffer(blocks(shape->channels) * static_cast<std::size_t>(shape->pixels()) * block());
  } else {
    const auto count = static_cast<std::size_t>(graph::count(tensor(id).dims));
    view = add_buffer((count + block() - 1) / block() * block());
  }
  define(id, layout, view);
  return view;
}

View Builder::view(graph::TensorId id, Layout layout) {
  if (const auto found = existing(id, layout)) return *found;
  return convert(id, layout);
}

View Builder::convert(graph::TensorId id, Layout layout) {
  const auto& values = tensor(id).constant.values;
  if (tensor(id).is_constant() && !existing(id, Layout::kDense)) {
    define(id, Layout::kDense, add_channel_values(values, values.size()));
    if (const auto found = existing(id, layout)) return *found;
  }
  const auto shape = *image(id);
  Layout from = Layout::kBlocked;
  for (const Layout candidate : {Layout::kDense, Layout::kPlanar, Layout::kBlocked}) {
    if (existing(id, candidate)) from = candidate;
  }
  const View source = *existing(id, from);
  const View destination = result(id, layout);
  add_conversion(*this, shape, source, from, destination, layout, layout != Layout::kBlocked);
  return destination;
}

std::size_t Builder::task_count(std::size_t items, std::int64_t multiply_adds) const noexcept {
  const std::int64_t wanted =
      std::clamp<std::int64_t>(multiply_adds / kSmallestTask, 1, kTasksPerThread * options_.threads);
  return std::max<std::size_t>(1, std::min(items, static_cast<std::size_t>(wanted)));
}

void Builder::place_concatenations() {
  for (const graph::Node& node : graph_->nodes) {
    const auto shape = image(node.output);
    if (node.op != Op::kConcatenate || !shape || node.axis != 3 || !node.activation.is_identity()) continue;
    std::size_t channel = 0;
    std::optional<View> whole = placed_[node.output];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const graph::TensorId id = node.inputs[i];
      const auto channels = static_cast<std::size_t>(tensor(id).dims[3]);
      const bool is_last = i + 1 == node.inputs.size();
      if (channel % block() != 0) break;
      const graph::Node* const maker = uses_[id].maker;
      if (maker != nullptr && graph::properties(maker->op).makes_image && !placed_[id] && (channels % block() == 0 || is_last) &&
          std::ranges::count(node.inputs, id) == 1) {
        if (!whole) {
          whole = add_buffer(blocks(shape->channels) * static_cast<std::size_t>(shape->pixels()) * block());
          placed_[node.output] = whole;
        }
        placed_[id] = whole->at(channel * static_cast<std::size_t>(shape->pixels()));
      }
      channel += channels;
    }
  }
}

void Builder::add_node(std::uint32_t index) {
  node_ = index;
  const graph::Node& node = graph_->nodes[index];
  // Made along with what it reads.
  if (existing(node.output, Layout::kBlocked)) return;
  bool done = false;
  switch (node.op) {
    case Op::kConvolution:
      done = add_winograd(*this, node) || add_strassen(*this, node) || add_convolution(*this, node);
      break;
    case Op::kTransposeConvolution: done = add_transpose_convolution(*this, node); break;
    case Op::kFullyConnected: done = add_fully_connected(*this, node); break;
    case Op::kDepthwiseConvolution: done = add_depthwise(*this, node); break;
    case Op::kAveragePool:
    case Op::kMaxPool: done = add_pool(*this, node); break;
    case Op::kGlobalAverage: done = add_global_average(*this, node); break;
    case Op::kAdd:
    case Op::kDivide:
    case Op::kMaximum:
    case Op::kMinimum:
    case Op::kMultiply:
    case Op::kPrelu:
    case Op::kSubtract: done = add_binary(*this, node); break;
    case Op::kClamp:
    case Op::kAbs:
    case Op::kCeiling:
    case Op::kElu:
    case Op::kExp:
    case Op::kFloor:
    case Op::kGelu:
    case Op::kHardswish:
    case Op::kLeakyRelu:
    case Op::kLog:
    case Op::kNegate:
    case Op::kReciprocalSquareRoot:
    case Op::kSigmoid:
    case Op::kSquare:
    case Op::kSquareRoot:
    case Op::kTanh: done = add_unary(*this, node); break;
    case Op::kResizeBilinear: done = add_resize(*this, node); break;
    case Op::kConcatenate: done = add_concatenation(*this, node); break;
    case Op::kCopy:
    case Op::kExpand:
    case Op::kPad:
    case Op::kSlice:
    case Op::kTranspose: done = add_movement(*this, node); break;
    case Op::kSoftmax: done = add_softmax(*this, node); break;
  }
  if (!done) add_plain(*this, node);
}

const graph::Node* Builder::last_resize(bool planar_output) const {
  const graph::Node* last = uses_[graph_->output].maker;
  if (last != nullptr && !planar_output) {
    const bool to_planes =
        last->op == Op::kTranspose && std::ranges::equal(last->order, std::array<std::int64_t, 4>{0, 3, 1, 2});
    if (!to_planes || uses_[last->inputs[0]].reads != 1) return nullptr;
    last = uses_[last->inputs[0]].maker;
  }
  if (last == nullptr || last->op != Op::kResizeBilinear || !last->activation.is_identity() ||
      last->corners == graph::Corners::kAsymmetric || uses_[graph_->output].reads != 0) {
    return nullptr;
  }
  const graph::TensorId small = last->inputs[0];
  return uses_[small].maker != nullptr && image(small) && image(small)->pixels() > 1 ? last : nullptr;
}

void Builder::add_pending_tail(const graph::Node& resize) {
  const graph::TensorId small = resize.inputs[0];
  const auto from = existing(small, Layout::kBlocked);
  if (!from || existing(small, Layout::kPlanar)) return;
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

Build Builder::finish(bool planar_output) {
  place_concatenations();
  const graph::Node* const resize = last_resize(planar_output);
  for (std::uint32_t i = 0; i < graph_->nodes.size(); ++i) {
    const graph::Node& node = graph_->nodes[i];
    if (&node == resize || (resize != nullptr && node.output == graph_->output)) {
      // What the pending tail reads mustn't be first made in the other's steps.
      view(resize->inputs[0], Layout::kBlocked);
      tail_ = Tail::kWhole;
    }
    node_ = i;
    if (&node != resize || !add_resize(*this, node, /*planar=*/true)) add_node(i);
    tail_.reset();
  }

  // The result goes straight to the caller if it is made only there; else it is brought there.
  const graph::TensorId output = graph_->output;
  const Layout layout = planar_output ? Layout::kPlanar : Layout::kDense;
  if (resize != nullptr) tail_ = Tail::kWhole;
  const View made = view(output, layout);
  // Blocks would be more than the caller has room for; a last block that is filled up with zeros isn't (AlignedBuffer).
  const bool layout_is_exact = existing(output, Layout::kBlocked) != made && made.offset == 0;
  const auto reads = [&](const std::unique_ptr<Step>& step) {
    return std::ranges::count(step->reads, made.buffer) > 0;
  };
  if (made.buffer > kOutputBuffer && layout_is_exact && std::ranges::none_of(build_.plan.steps, reads)) {
    build_.plan.output = made.buffer;
  } else {
    const auto count = static_cast<std::int64_t>(graph::count(tensor(output).dims));
    add_conversion(*this, {.height = 1, .width = 1, .channels = count}, made, Layout::kDense, {kOutputBuffer, 0},
                   Layout::kDense);
  }
  if (resize != nullptr) add_pending_tail(*resize);
  place_buffers(build_.plan);
  return std::move(build_);
}

Build build_plan(const graph::Graph& graph, bool planar_output, const PlanOptions& options) {
  return Builder(graph, options).finish(planar_output);
}

}  // namespace silhouette::native
