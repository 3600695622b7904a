#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/native/builder.hpp"

namespace silhouette::native {
namespace {

using graph::Node;
using graph::Op;

/// Pixels of one block that a task goes through, at least.
constexpr std::size_t kPixelsAtATime = 1024;

/// Blocks × parts of their pixels.
struct Parts {
  std::size_t pixels = 0;
  std::size_t parts = 1;

  explicit Parts(std::int64_t count)
      : pixels(static_cast<std::size_t>(count)), parts(std::max<std::size_t>(1, pixels / kPixelsAtATime)) {}
  [[nodiscard]] std::size_t begin(std::size_t task) const { return pixels * (task % parts) / parts; }
  [[nodiscard]] std::size_t end(std::size_t task) const { return pixels * (task % parts + 1) / parts; }
};

kernels::Binary binary_op(Op op) {
  switch (op) {
    case Op::kSubtract: return kernels::Binary::kSubtract;
    case Op::kMultiply: return kernels::Binary::kMultiply;
    case Op::kDivide: return kernels::Binary::kDivide;
    case Op::kMaximum: return kernels::Binary::kMaximum;
    case Op::kMinimum: return kernels::Binary::kMinimum;
    case Op::kPrelu: return kernels::Binary::kPrelu;
    default: return kernels::Binary::kAdd;
  }
}

kernels::Unary unary_op(Op op) {
  switch (op) {
    case Op::kAbs: return kernels::Unary::kAbs;
    case Op::kHardswish: return kernels::Unary::kHardswish;
    case Op::kLeakyRelu: return kernels::Unary::kLeakyRelu;
    case Op::kNegate: return kernels::Unary::kNegate;
    case Op::kSigmoid: return kernels::Unary::kSigmoid;
    case Op::kSquare: return kernels::Unary::kSquare;
    default: return kernels::Unary::kClamp;
  }
}

/// An operand: one value a pixel and channel, or one a channel.
struct Operand {
  View view;
  bool per_channel = false;
};

class BinaryStep final : public Step {
 public:
  BinaryStep(const kernels::Kernels& kernels, Op op, const ImageShape& shape, Operand a, Operand b, View to,
             const graph::Activation& activation)
      : kernels_(&kernels),
        op_(binary_op(op)),
        epilogue_(epilogue(activation)),
        a_(a),
        b_(b),
        to_(to),
        parts_(shape.pixels()),
        used_lanes_(static_cast<std::size_t>(shape.channels)) {
    tasks = (used_lanes_ + kernels.block - 1) / kernels.block * parts_.parts;
    reads = {a.view.buffer, b.view.buffer};
    writes = {to.buffer};
    name = fmt::format("{} {}x{}x{}", graph::op_name(op), shape.height, shape.width, shape.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t block = kernels_->block;
    const std::size_t block_index = task / parts_.parts;
    const std::size_t begin = parts_.begin(task);
    const auto place = [&](const Operand& operand) -> const float* {
      if (operand.per_channel) return frame.at(operand.view) + block_index * block;
      return frame.at(operand.view) + (block_index * parts_.pixels + begin) * block;
    };
    kernels::BinaryRow row;
    row.op = op_;
    row.a = place(a_);
    row.b = place(b_);
    row.a_stride = a_.per_channel ? 0 : static_cast<std::ptrdiff_t>(block);
    row.b_stride = b_.per_channel ? 0 : static_cast<std::ptrdiff_t>(block);
    row.output = frame.at(to_) + (block_index * parts_.pixels + begin) * block;
    row.pixels = parts_.end(task) - begin;
    row.epilogue = epilogue_;
    kernels_->binary(row);
    // 0 / 0 in lanes of no meaning would be none, and spread to others in the next product.
    const std::size_t used = std::min(block, used_lanes_ - block_index * block);
    if (op_ == kernels::Binary::kDivide && used < block) {
      for (std::size_t i = 0; i < row.pixels; ++i)
        std::fill(row.output + i * block + used, row.output + (i + 1) * block, 0.0F);
    }
  }

 private:
  const kernels::Kernels* kernels_;
  kernels::Binary op_;
  kernels::Epilogue epilogue_;
  Operand a_;
  Operand b_;
  View to_;
  Parts parts_;
  std::size_t used_lanes_;
};

class UnaryStep final : public Step {
 public:
  UnaryStep(const kernels::Kernels& kernels, const Node& node, const ImageShape& shape, View from, View to)
      : kernels_(&kernels), from_(from), to_(to), parts_(shape.pixels()) {
    row_.op = unary_op(node.op);
    row_.parameter = node.parameter;
    row_.epilogue = epilogue(node.activation);
    tasks = (static_cast<std::size_t>(shape.channels) + kernels.block - 1) / kernels.block * parts_.parts;
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("{} {}x{}x{}", graph::op_name(node.op), shape.height, shape.width, shape.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t first = (task / parts_.parts * parts_.pixels + parts_.begin(task)) * kernels_->block;
    kernels::UnaryRow row = row_;
    row.a = frame.at(from_) + first;
    row.output = frame.at(to_) + first;
    row.pixels = parts_.end(task) - parts_.begin(task);
    kernels_->unary(row);
  }

 private:
  const kernels::Kernels* kernels_;
  kernels::UnaryRow row_;
  View from_;
  View to_;
  Parts parts_;
};

/// Where a resize's results lie between two inputs.
struct Samples {
  std::vector<std::int32_t> low;
  std::vector<std::int32_t> high;
  std::vector<float> weight;  ///< of the high one

  Samples(std::int64_t input, std::int64_t output, graph::Corners corners) {
    const auto in = static_cast<double>(input);
    const auto out = static_cast<double>(output);
    for (std::int64_t i = 0; i < output; ++i) {
      double at = 0;
      switch (corners) {
        case graph::Corners::kHalfPixel: at = (static_cast<double>(i) + 0.5) * in / out - 0.5; break;
        case graph::Corners::kAligned: at = output > 1 ? static_cast<double>(i) * (in - 1) / (out - 1) : 0; break;
        case graph::Corners::kAsymmetric: at = static_cast<double>(i) * in / out; break;
      }
      at = std::clamp(at, 0.0, in - 1);
      const auto first = std::min(static_cast<std::int64_t>(at), input - 1);
      low.push_back(static_cast<std::int32_t>(first));
      high.push_back(static_cast<std::int32_t>(std::min(first + 1, input - 1)));
      weight.push_back(static_cast<float>(at - static_cast<double>(first)));
    }
  }
};

class Resize final : public Step {
 public:
  Resize(const kernels::Kernels& kernels, const Node& node, const ImageShape& in, const ImageShape& out, View from,
         View to, bool planar)
      : planar_(planar),
        kernels_(&kernels),
        in_(in),
        out_(out),
        from_(from),
        to_(to),
        epilogue_(epilogue(node.activation)),
        lines_(in.height, out.height, node.corners),
        columns_(in.width, out.width, node.corners) {
    tasks = (static_cast<std::size_t>(out.channels) + kernels.block - 1) / kernels.block *
            static_cast<std::size_t>(out.height);
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("resize {}x{} -> {}x{}x{}", in.height, in.width, out.height, out.width, out.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const auto block = static_cast<std::ptrdiff_t>(kernels_->block);
    const std::size_t block_index = task / static_cast<std::size_t>(out_.height);
    const std::size_t y = task % static_cast<std::size_t>(out_.height);
    const float* const from = frame.at(from_) + static_cast<std::ptrdiff_t>(block_index) * in_.pixels() * block;
    if (planar_) {
      kernels::ResizePlanesRow planes;
      fill(planes, from, y);
      planes.input_width = static_cast<std::size_t>(in_.width);
      const std::size_t first = block_index * kernels_->block;
      planes.plane = static_cast<std::size_t>(out_.pixels());
      planes.channels = std::min(kernels_->block, static_cast<std::size_t>(out_.channels) - first);
      planes.output = frame.at(to_) + first * planes.plane + y * static_cast<std::size_t>(out_.width);
      kernels_->resize_planes(planes);
      return;
    }
    kernels::ResizeRow row;
    fill(row, from, y);
    row.output = frame.at(to_) + static_cast<std::ptrdiff_t>(task) * out_.width * block;
    row.epilogue = epilogue_;
    kernels_->resize(row);
  }

 private:
  template <typename Row>
  void fill(Row& row, const float* from, std::size_t y) const noexcept {
    const auto block = static_cast<std::ptrdiff_t>(kernels_->block);
    row.top = from + lines_.low[y] * in_.width * block;
    row.bottom = from + lines_.high[y] * in_.width * block;
    row.weight_bottom = lines_.weight[y];
    row.left = columns_.low.data();
    row.right = columns_.high.data();
    row.weight_right = columns_.weight.data();
    row.output_width = static_cast<std::size_t>(out_.width);
  }

  bool planar_;
  const kernels::Kernels* kernels_;
  ImageShape in_;
  ImageShape out_;
  View from_;
  View to_;
  kernels::Epilogue epilogue_;
  Samples lines_;
  Samples columns_;
};

/// A constant that is the same for all pixels, spread to one value a channel; a computed tensor as it is.
std::optional<Operand> operand(Builder& builder, graph::TensorId id, const ImageShape& shape) {
  const graph::Tensor& tensor = builder.tensor(id);
  const auto image = builder.image(id);
  if (image == shape) return Operand{builder.view(id, Layout::kBlocked), false};
  const bool is_pixel = image && image->pixels() == 1 && image->channels == shape.channels;
  if (is_pixel) return Operand{builder.view(id, Layout::kBlocked), true};
  if (!tensor.is_constant()) return std::nullopt;
  const auto values = tensor.constant.values;
  const auto channels = static_cast<std::size_t>(shape.channels);
  const bool is_channels = values.size() == channels && !tensor.dims.empty() && tensor.dims.back() == shape.channels;
  if (is_channels) return Operand{builder.add_channel_values(values, channels), true};
  if (values.size() == 1) {
    const std::size_t lanes = builder.blocks(shape.channels) * builder.block();
    const float value = values[0];
    return Operand{builder.add_weights(lanes, 1,
                                       [lanes, value](float* destination, std::size_t) {
                                         std::fill_n(destination, lanes, value);
                                         return true;
                                       }),
                   true};
  }
  return std::nullopt;
}

}  // namespace

bool add_binary(Builder& builder, const Node& node) {
  const auto shape = builder.image(node.output);
  if (!shape) return false;
  const auto a = operand(builder, node.inputs[0], *shape);
  if (!a) return false;
  const auto b = operand(builder, node.inputs[1], *shape);
  if (!b) return false;
  const View to = builder.result(node.output, Layout::kBlocked);
  builder.add_step(std::make_unique<BinaryStep>(builder.kernels(), node.op, *shape, *a, *b, to, node.activation));
  return true;
}

bool add_unary(Builder& builder, const Node& node) {
  const auto shape = builder.image(node.output);
  if (!shape) return false;
  const View from = builder.view(node.inputs[0], Layout::kBlocked);
  const View to = builder.result(node.output, Layout::kBlocked);
  builder.add_step(std::make_unique<UnaryStep>(builder.kernels(), node, *shape, from, to));
  return true;
}

bool add_resize(Builder& builder, const Node& node, bool planar) {
  const auto in = builder.image(node.inputs[0]);
  const auto out = builder.image(node.output);
  if (!in || !out) return false;
  const View from = builder.view(node.inputs[0], Layout::kBlocked);
  const View to = builder.result(node.output, planar ? Layout::kPlanar : Layout::kBlocked);
  builder.add_step(std::make_unique<Resize>(builder.kernels(), node, *in, *out, from, to, planar));
  return true;
}

}  // namespace silhouette::native
