#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "engine/native/builder.hpp"
#include "graph/reference.hpp"

namespace silhouette::native {
namespace {

using graph::Node;
using graph::Op;

/// Pixels that a conversion takes at a time: two rows of tiles in the first-level cache.
constexpr std::size_t kPixelsAtATime = 512;

/// From one layout to another, a block of channels and a part of the pixels at a time.
class Conversion final : public Step {
 public:
  Conversion(const kernels::Kernels& kernels, const ImageShape& shape, View from, Layout from_layout, View to,
             Layout to_layout, bool fills_up)
      : kernels_(&kernels),
        block_(kernels.block),
        pixels_(static_cast<std::size_t>(shape.pixels())),
        channels_(static_cast<std::size_t>(shape.channels)),
        parts_((pixels_ + kPixelsAtATime - 1) / kPixelsAtATime),
        from_(from),
        to_(to),
        from_layout_(from_layout),
        to_layout_(to_layout),
        fills_up_(fills_up) {
    tasks = (channels_ + block_ - 1) / block_ * parts_;
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("convert {}x{}x{}", shape.height, shape.width, shape.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t first = task / parts_ * block_;
    const std::size_t lanes = std::min(block_, channels_ - first);
    const std::size_t begin = task % parts_ * kPixelsAtATime;
    const std::size_t end = std::min(begin + kPixelsAtATime, pixels_);
    const Place source = place(from_layout_, first);
    const Place destination = place(to_layout_, first);
    const float* const from = frame.at(from_) + source.start;
    float* const to = frame.at(to_) + destination.start;
    if (fills_up_ && task + 1 == tasks) {
      const std::size_t count = pixels_ * channels_;
      std::fill_n(frame.at(to_) + count, (block_ - count % block_) % block_, 0.0F);
    }
    if (from_layout_ == Layout::kBlocked && to_layout_ == Layout::kPlanar) {
      kernels_->to_planes({.input = from + begin * block_,
                           .pixels = end - begin,
                           .output = to + begin,
                           .plane = pixels_,
                           .channels = lanes});
      return;
    }
    for (std::size_t i = begin; i < end; ++i) {
      const float* const in = from + i * source.pixel;
      float* const out = to + i * destination.pixel;
      for (std::size_t lane = 0; lane < lanes; ++lane) out[lane * destination.lane] = in[lane * source.lane];
      if (to_layout_ == Layout::kBlocked) std::fill(out + lanes, out + block_, 0.0F);
    }
  }

 private:
  struct Place {
    std::size_t start = 0;
    std::size_t lane = 0;   ///< from one channel to the next
    std::size_t pixel = 0;  ///< from one pixel to the next
  };

  [[nodiscard]] Place place(Layout layout, std::size_t channel) const noexcept {
    switch (layout) {
      case Layout::kDense: return {channel, 1, channels_};
      case Layout::kPlanar: return {channel * pixels_, pixels_, 1};
      case Layout::kBlocked: return {channel * pixels_, 1, block_};
    }
    return {};
  }

  const kernels::Kernels* kernels_;
  std::size_t block_;
  std::size_t pixels_;
  std::size_t channels_;
  std::size_t parts_;
  View from_;
  View to_;
  Layout from_layout_;
  Layout to_layout_;
  bool fills_up_;
};

/// Channels of several images one after the other, where they don't lie in whole blocks.
class Concatenation final : public Step {
 public:
  struct Part {
    View from;
    std::size_t channel = 0;  ///< of the result
    std::size_t channels = 0;
  };

  Concatenation(std::size_t block, const ImageShape& shape, std::vector<Part> parts, View to)
      : block_(block), pixels_(static_cast<std::size_t>(shape.pixels())), parts_(std::move(parts)), to_(to) {
    channels_ = static_cast<std::size_t>(shape.channels);
    tasks = (channels_ + block - 1) / block;
    for (const Part& part : parts_) reads.push_back(part.from.buffer);
    writes = {to.buffer};
    name = fmt::format("concatenate {}x{}x{}", shape.height, shape.width, shape.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    float* const to = frame.at(to_) + task * pixels_ * block_;
    for (std::size_t lane = 0; lane < block_; ++lane) {
      const std::size_t channel = task * block_ + lane;
      if (channel >= channels_) {
        for (std::size_t i = 0; i < pixels_; ++i) to[i * block_ + lane] = 0;
        continue;
      }
      const auto part = std::ranges::find_if(
          parts_, [&](const Part& p) { return channel >= p.channel && channel < p.channel + p.channels; });
      const std::size_t of_part = channel - part->channel;
      const float* const from = frame.at(part->from) + of_part / block_ * pixels_ * block_ + of_part % block_;
      for (std::size_t i = 0; i < pixels_; ++i) to[i * block_ + lane] = from[i * block_];
    }
  }

 private:
  std::size_t block_;
  std::size_t pixels_;
  std::size_t channels_ = 0;
  std::vector<Part> parts_;
  View to_;
};

/// A node run by the plain interpreter: for what is too rare to be worth a kernel.
class Plain final : public Step {
 public:
  Plain(const graph::Graph& graph, const Node& node, std::vector<View> operands, View to, std::size_t room)
      : node_(node), operands_(std::move(operands)), to_(to), room_(room) {
    // The graph isn't kept: what evaluating a node needs of it is copied.
    std::uint32_t next = 0;
    const auto keep = [&](graph::TensorId id) {
      graph_.tensors.push_back(graph.tensors[id]);
      auto& constant = graph_.tensors.back().constant;
      if (constant.values.data() != nullptr && constant.owner == nullptr) {
        // What the file holds is gone after loading.
        const auto copy = std::make_shared<std::vector<float>>(constant.values.begin(), constant.values.end());
        constant = {.values = *copy, .owner = copy};
      }
      return next++;
    };
    for (graph::TensorId& id : node_.inputs) id = keep(id);
    node_.output = keep(node_.output);
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      counts_.push_back(static_cast<std::size_t>(graph::count(graph_.tensors[i].dims)));
      if (!graph_.tensors[i].is_constant()) reads.push_back(operands_[i].buffer);
    }
    writes = {to.buffer};
    name = fmt::format("plain {}", graph::op_name(node.op));
  }

  void run(const Frame& frame, std::size_t /*task*/) const noexcept override {
    try {
      evaluate(frame);
    } catch (const std::bad_alloc&) {
      frame.report_out_of_memory();
    }
  }

 private:
  void evaluate(const Frame& frame) const {
    std::vector<std::span<const float>> operands;
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      const auto& constant = graph_.tensors[i].constant.values;
      operands.push_back(graph_.tensors[i].is_constant() ? constant
                                                         : std::span<const float>(frame.at(operands_[i]), counts_[i]));
    }
    const std::vector<float> values = graph::evaluate_node(graph_, node_, operands);
    float* const to = frame.at(to_);
    std::ranges::copy(values, to);
    std::fill(to + values.size(), to + room_, 0.0F);
  }

  graph::Graph graph_;
  Node node_;
  std::vector<View> operands_;
  std::vector<std::size_t> counts_;
  View to_;
  std::size_t room_;
};

bool is_order(const Node& node, std::initializer_list<std::int64_t> order) {
  return std::ranges::equal(node.order, order);
}

}  // namespace

void add_conversion(Builder& builder, const ImageShape& shape, View from, Layout from_layout, View to, Layout to_layout,
                    bool fills_up) {
  builder.add_step(std::make_unique<Conversion>(builder.kernels(), shape, from, from_layout, to, to_layout, fills_up));
}

bool add_concatenation(Builder& builder, const Node& node) {
  const auto shape = builder.image(node.output);
  if (!shape || node.axis != 3 || !node.activation.is_identity()) return false;
  const View to = builder.result(node.output, Layout::kBlocked);
  std::vector<Concatenation::Part> parts;
  std::size_t channel = 0;
  bool in_place = true;
  for (const graph::TensorId id : node.inputs) {
    const View from = builder.view(id, Layout::kBlocked);
    in_place = in_place && from == to.at(channel * static_cast<std::size_t>(shape->pixels()));
    const auto channels = static_cast<std::size_t>(builder.tensor(id).dims[3]);
    parts.push_back({.from = from, .channel = channel, .channels = channels});
    channel += channels;
  }
  if (!in_place) builder.add_step(std::make_unique<Concatenation>(builder.block(), *shape, std::move(parts), to));
  return true;
}

bool add_movement(Builder& builder, const Node& node) {
  if (!node.activation.is_identity() || builder.tensor(node.inputs[0]).is_constant()) return false;
  const graph::TensorId from = node.inputs[0];
  const bool same = builder.tensor(from).dims == builder.tensor(node.output).dims;
  if (node.op == Op::kCopy) {
    if (same) {
      for (const Layout layout : {Layout::kDense, Layout::kPlanar, Layout::kBlocked}) {
        if (const auto view = builder.existing(from, layout)) builder.define(node.output, layout, *view);
      }
    } else {
      builder.define(node.output, Layout::kDense, builder.view(from, Layout::kDense));
    }
    return true;
  }
  // Planes to pixels and back are the same values under another name.
  if (is_order(node, {0, 2, 3, 1}) && builder.image(node.output)) {
    builder.define(node.output, Layout::kPlanar, builder.view(from, Layout::kDense));
    return true;
  }
  if (is_order(node, {0, 3, 1, 2}) && builder.image(from)) {
    builder.define(node.output, Layout::kDense, builder.view(from, Layout::kPlanar));
    return true;
  }
  return false;
}

void add_plain(Builder& builder, const Node& node) {
  std::vector<View> operands;
  for (const graph::TensorId id : node.inputs) {
    operands.push_back(builder.tensor(id).is_constant() ? View{} : builder.view(id, Layout::kDense));
  }
  const View to = builder.result(node.output, Layout::kDense);
  const auto count = static_cast<std::size_t>(graph::count(builder.tensor(node.output).dims));
  builder.add_step(std::make_unique<Plain>(builder.graph(), node, std::move(operands), to,
                                           (count + builder.block() - 1) / builder.block() * builder.block()));
}

}  // namespace silhouette::native
