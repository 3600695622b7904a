#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "engine/native/movement/gather.hpp"

namespace silhouette::native {
namespace {

using graph::Node;
using graph::Op;

/// Values that a task goes through: how they are cut doesn't depend on the threads.
constexpr std::size_t kValuesAtATime = 1 << 14;
/// Shorter runs of values than that aren't worth a kernel's call.
constexpr std::int64_t kShortestRun = 8;

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
    case Op::kCeiling: return kernels::Unary::kCeiling;
    case Op::kElu: return kernels::Unary::kElu;
    case Op::kExp: return kernels::Unary::kExp;
    case Op::kFloor: return kernels::Unary::kFloor;
    case Op::kGelu: return kernels::Unary::kGelu;
    case Op::kHardswish: return kernels::Unary::kHardswish;
    case Op::kLeakyRelu: return kernels::Unary::kLeakyRelu;
    case Op::kLog: return kernels::Unary::kLog;
    case Op::kNegate: return kernels::Unary::kNegate;
    case Op::kReciprocalSquareRoot: return kernels::Unary::kReciprocalSquareRoot;
    case Op::kSigmoid: return kernels::Unary::kSigmoid;
    case Op::kSquare: return kernels::Unary::kSquare;
    case Op::kSquareRoot: return kernels::Unary::kSquareRoot;
    case Op::kTanh: return kernels::Unary::kTanh;
    default: return kernels::Unary::kClamp;
  }
}

/// How a tensor's values lie: rows of values (of an image in blocks: its blocks), and what has no meaning behind them.
struct Rows {
  std::size_t rows = 1;
  std::size_t values = 0;
  std::size_t parts = 1;       ///< that a row is cut into
  std::size_t block = 1;       ///< of the last row, in which
  std::size_t used_lanes = 1;  ///< are used
  std::size_t rest = 0;        ///< after the last row

  Rows(const Builder& builder, graph::TensorId id, Layout layout) {
    if (layout == Layout::kBlocked) {
      const ImageShape shape = *builder.image(id);
      block = builder.block();
      rows = builder.blocks(shape.channels);
      values = static_cast<std::size_t>(shape.pixels()) * block;
      used_lanes = static_cast<std::size_t>(shape.channels) - (rows - 1) * block;
    } else {
      values = static_cast<std::size_t>(graph::count(builder.tensor(id).dims));
      rest = builder.blocks(static_cast<std::int64_t>(values)) * builder.block() - values;
    }
    parts = (values + kValuesAtATime - 1) / kValuesAtATime;
  }

  [[nodiscard]] std::size_t tasks() const { return rows * parts; }
  [[nodiscard]] std::size_t row(std::size_t task) const { return task / parts; }
  [[nodiscard]] std::size_t begin(std::size_t task) const { return task % parts * kValuesAtATime; }
  [[nodiscard]] std::size_t count(std::size_t task) const { return std::min(kValuesAtATime, values - begin(task)); }

  /// What has no meaning must be finite: in the next product it meets weights of zero.
  void clear_lanes(std::size_t task, float* output) const {
    if (used_lanes == block || row(task) + 1 != rows) return;
    for (std::size_t i = 0; i < count(task); i += block) std::fill(output + i + used_lanes, output + i + block, 0.0F);
  }
  void clear_rest(std::size_t task, float* all) const {
    if (task + 1 == tasks()) std::fill_n(all + rows * values, rest, 0.0F);
  }
};

/// An operand of an image in blocks.
struct Operand {
  enum class Kind : std::uint8_t {
    kWhole,    ///< one value a pixel and channel
    kChannel,  ///< one a channel
    kPixel,    ///< one a pixel: the same block for all
  };
  View view;
  Kind kind = Kind::kWhole;
};

class BinaryStep final : public Step {
 public:
  BinaryStep(const Builder& builder, const Node& node, Operand a, Operand b, View to)
      : kernels_(&builder.kernels()),
        op_(binary_op(node.op)),
        epilogue_(epilogue(node.activation)),
        a_(a),
        b_(b),
        to_(to),
        rows_(builder, node.output, Layout::kBlocked) {
    tasks = rows_.tasks();
    reads = {a.view.buffer, b.view.buffer};
    writes = {to.buffer};
    name = fmt::format("{} {}", graph::op_name(node.op), fmt::join(builder.tensor(node.output).dims, "x"));
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t block = kernels_->block;
    const std::size_t first = rows_.row(task) * rows_.values + rows_.begin(task);
    const auto start = [&](const Operand& operand) -> const float* {
      switch (operand.kind) {
        case Operand::Kind::kChannel: return frame.from(operand.view) + rows_.row(task) * block;
        case Operand::Kind::kPixel: return frame.from(operand.view) + rows_.begin(task);
        case Operand::Kind::kWhole: break;
      }
      return frame.from(operand.view) + first;
    };
    const auto stride = [block](const Operand& operand) {
      return operand.kind == Operand::Kind::kChannel ? 0 : static_cast<std::ptrdiff_t>(block);
    };
    const kernels::BinaryRow row{.op = op_,
                                 .a = start(a_),
                                 .b = start(b_),
                                 .a_stride = stride(a_),
                                 .b_stride = stride(b_),
                                 .output = frame.to(to_) + first,
                                 .pixels = rows_.count(task) / block,
                                 .epilogue = epilogue_};
    kernels_->binary(row);
    if (op_ == kernels::Binary::kDivide) rows_.clear_lanes(task, row.output);
  }

 private:
  const kernels::Kernels* kernels_;
  kernels::Binary op_;
  kernels::Epilogue epilogue_;
  Operand a_;
  Operand b_;
  View to_;
  Rows rows_;
};

/// One dimension of a result, and the strides of what it is made of.
struct PairLoop {
  std::int64_t count = 1;
  std::int64_t a = 0;
  std::int64_t b = 0;
};

/// Two operands of which one or both are repeated in some dimensions; the result's values follow each other.
class BroadcastStep final : public Step {
 public:
  BroadcastStep(const Builder& builder, const Node& node, Layout layout, View a, View b,
                const std::vector<PairLoop>& loops, View to)
      : kernels_(&builder.kernels()),
        op_(binary_op(node.op)),
        epilogue_(epilogue(node.activation)),
        a_(a),
        b_(b),
        to_(to),
        rows_(builder, node.output, layout),
        rank_(loops.size()) {
    std::ranges::copy(loops, loops_.begin());
    tasks = rows_.tasks();
    reads = {a.buffer, b.buffer};
    writes = {to.buffer};
    name = fmt::format("{} {}", graph::op_name(node.op), fmt::join(builder.tensor(node.output).dims, "x"));
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const PairLoop& inner = loops_[rank_ - 1];
    std::array<std::int64_t, kMostLoops> at{};
    auto rest = static_cast<std::int64_t>(rows_.begin(task));
    std::int64_t a = 0;
    std::int64_t b = 0;
    for (std::size_t i = rank_; i-- > 0;) {
      at[i] = rest % loops_[i].count;
      rest /= loops_[i].count;
      a += at[i] * loops_[i].a;
      b += at[i] * loops_[i].b;
    }
    kernels::BinaryValues values{.op = op_,
                                 .a_step = static_cast<std::size_t>(inner.a),
                                 .b_step = static_cast<std::size_t>(inner.b),
                                 .output = frame.to(to_) + rows_.begin(task),
                                 .epilogue = epilogue_};
    std::size_t left = rows_.count(task);
    while (left > 0) {
      values.a = frame.from(a_) + a;
      values.b = frame.from(b_) + b;
      values.count = std::min(left, static_cast<std::size_t>(inner.count - at[rank_ - 1]));
      kernels_->binary_values(values);
      values.output += values.count;
      left -= values.count;
      // To the next run's beginning.
      a -= at[rank_ - 1] * inner.a;
      b -= at[rank_ - 1] * inner.b;
      at[rank_ - 1] = 0;
      for (std::size_t i = rank_ - 1; i-- > 0;) {
        a += loops_[i].a;
        b += loops_[i].b;
        if (++at[i] < loops_[i].count) break;
        a -= at[i] * loops_[i].a;
        b -= at[i] * loops_[i].b;
        at[i] = 0;
      }
    }
    rows_.clear_rest(task, frame.to(to_));
  }

 private:
  const kernels::Kernels* kernels_;
  kernels::Binary op_;
  kernels::Epilogue epilogue_;
  View a_;
  View b_;
  View to_;
  Rows rows_;
  std::array<PairLoop, kMostLoops> loops_{};
  std::size_t rank_;
};

class UnaryStep final : public Step {
 public:
  UnaryStep(const Builder& builder, const Node& node, kernels::Unary op, Layout layout, View from, View to)
      : kernels_(&builder.kernels()), from_(from), to_(to), rows_(builder, node.output, layout) {
    values_.op = op;
    values_.parameter = node.parameter;
    values_.epilogue = epilogue(node.activation);
    tasks = rows_.tasks();
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("{} {}", graph::op_name(node.op), fmt::join(builder.tensor(node.output).dims, "x"));
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t first = rows_.row(task) * rows_.values + rows_.begin(task);
    kernels::UnaryValues values = values_;
    values.a = frame.from(from_) + first;
    values.output = frame.to(to_) + first;
    values.count = rows_.count(task);
    kernels_->unary_values(values);
    switch (values.op) {
      case kernels::Unary::kExp:
      case kernels::Unary::kLog:
      case kernels::Unary::kReciprocalSquareRoot:
      case kernels::Unary::kSquareRoot: rows_.clear_lanes(task, values.output); break;
      default: break;
    }
    rows_.clear_rest(task, frame.to(to_));
  }

 private:
  const kernels::Kernels* kernels_;
  kernels::UnaryValues values_;
  View from_;
  View to_;
  Rows rows_;
};

View filled(Builder& builder, std::size_t lanes, float value) {
  return builder.add_weights(lanes, 1, [lanes, value](float* destination, std::size_t) {
    std::fill_n(destination, lanes, value);
    return true;
  });
}

/// An operand that is repeated, brought into blocks like those of the image that it meets, as far as that is needed.
Operand repeated_operand(Builder& builder, graph::TensorId id, const ImageShape& from, const ImageShape& whole) {
  const bool is_image = builder.image(id).has_value();
  const Layout layout = is_image ? common_layout(builder, std::array{id}) : Layout::kDense;
  Place source = repeated(place(builder, builder.view(id, layout), layout, from), from, whole);
  Operand operand;
  ImageShape shape = whole;
  if (from.channels == 1 && from.pixels() > 1) {
    operand.kind = Operand::Kind::kPixel;
    shape.channels = static_cast<std::int64_t>(builder.block());
    // All lanes read the one channel that there is.
    source.is_blocked = false;
    source.channel = 0;
  } else if (from.pixels() == 1) {
    operand.kind = Operand::Kind::kChannel;
    shape.height = shape.width = 1;
  }
  operand.view =
      builder.add_buffer(builder.blocks(shape.channels) * builder.block() * static_cast<std::size_t>(shape.pixels()));
  const Place to = place(builder, operand.view, Layout::kBlocked, shape);
  std::vector<Box> boxes;
  add_region(builder, source, to, shape, boxes);
  add_unused_lanes(builder, to, shape, boxes);
  add_gather(builder, "repeat", boxes);
  return operand;
}

/// An operand of an image in blocks; nothing if it isn't one that an image is made of.
std::optional<Operand> operand(Builder& builder, graph::TensorId id, const ImageShape& shape) {
  const graph::Tensor& tensor = builder.tensor(id);
  const auto image = builder.image(id);
  if (image == shape) return Operand{builder.view(id, Layout::kBlocked), Operand::Kind::kWhole};
  const auto from = as_image(tensor.dims);
  if (!from) return std::nullopt;
  const auto values = tensor.constant.values;
  if (tensor.is_constant() && values.size() == 1) {
    return Operand{filled(builder, builder.blocks(shape.channels) * builder.block(), values[0]),
                   Operand::Kind::kChannel};
  }
  if (from->pixels() == 1 && from->channels == shape.channels) {
    if (tensor.is_constant()) {
      return Operand{builder.add_channel_values(values, values.size()), Operand::Kind::kChannel};
    }
    // One pixel's values, filled up to whole blocks, but for what the caller gives.
    const View view = builder.view(id, image ? Layout::kBlocked : Layout::kDense);
    if (view.buffer != kInputBuffer) return Operand{view, Operand::Kind::kChannel};
  }
  return repeated_operand(builder, id, *from, shape);
}

bool add_blocked_binary(Builder& builder, const Node& node, const ImageShape& shape) {
  const auto a = operand(builder, node.inputs[0], shape);
  if (!a) return false;
  const auto b = operand(builder, node.inputs[1], shape);
  if (!b) return false;
  const View to = builder.result(node.output, Layout::kBlocked);
  builder.add_step(std::make_unique<BinaryStep>(builder, node, *a, *b, to));
  return true;
}

/// The dimensions of a result in the order of its layout, without ones, those that follow each other in both operands
/// taken together.
std::vector<PairLoop> pair_loops(const Builder& builder, graph::TensorId result, Layout layout,
                                 const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  const auto& dims = builder.tensor(result).dims;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < dims.size(); ++i) order.push_back(i);
  if (layout == Layout::kPlanar) order = {3, 1, 2};
  std::vector<PairLoop> loops;
  for (const std::size_t i : order) {
    if (dims[i] == 1) continue;
    const PairLoop loop{.count = dims[i], .a = a[i], .b = b[i]};
    if (!loops.empty() && loops.back().a == loop.a * loop.count && loops.back().b == loop.b * loop.count) {
      loops.back() = {.count = loops.back().count * loop.count, .a = loop.a, .b = loop.b};
    } else {
      loops.push_back(loop);
    }
  }
  if (loops.empty()) loops.push_back({.count = 1, .a = 1, .b = 1});
  return loops;
}

/// The strides of an operand seen as an array of `dims`: 0 where it is repeated.
std::vector<std::int64_t> repeated_strides(const Builder& builder, graph::TensorId id,
                                           std::vector<std::int64_t> strides, std::span<const std::int64_t> dims) {
  const auto& own = builder.tensor(id).dims;
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i] == 1) strides[i] = 0;
  }
  strides.insert(strides.begin(), dims.size() - own.size(), 0);
  return strides;
}

/// In planes or in the order of the dimensions. `must`: even if that takes many short runs.
bool add_broadcast(Builder& builder, const Node& node, Layout layout, bool must) {
  const auto& dims = builder.tensor(node.output).dims;
  if (dims.size() > kMostLoops) return false;
  const auto operand = [&](graph::TensorId id) {
    if (layout == Layout::kPlanar) return strided(builder, id, layout);
    // What comes last in the dimensions comes last in memory, or no run would be longer than a value.
    return Strided{builder.view(id, Layout::kDense), dense_strides(builder.tensor(id).dims)};
  };
  const Strided a = operand(node.inputs[0]);
  const Strided b = operand(node.inputs[1]);
  const auto loops =
      pair_loops(builder, node.output, layout, repeated_strides(builder, node.inputs[0], a.strides, dims),
                 repeated_strides(builder, node.inputs[1], b.strides, dims));
  const PairLoop& inner = loops.back();
  if (inner.a > 1 || inner.b > 1 || (!must && inner.count < kShortestRun)) return false;
  const View to = builder.result(node.output, layout);
  builder.add_step(std::make_unique<BroadcastStep>(builder, node, layout, a.view, b.view, loops, to));
  return true;
}

/// The layout of a binary node's result: that of those operands that are as large.
Layout binary_layout(const Builder& builder, const Node& node) {
  std::vector<graph::TensorId> large;
  for (const graph::TensorId id : node.inputs) {
    if (builder.tensor(id).dims == builder.tensor(node.output).dims) large.push_back(id);
  }
  return common_layout(builder, large.empty() ? node.inputs : large);
}

}  // namespace

bool add_binary(Builder& builder, const Node& node) {
  const auto shape = builder.image(node.output);
  const Layout layout = shape ? binary_layout(builder, node) : Layout::kDense;
  if (layout != Layout::kBlocked && add_broadcast(builder, node, layout, !shape)) return true;
  return (shape && add_blocked_binary(builder, node, *shape)) ||
         add_broadcast(builder, node, Layout::kDense, /*must=*/true);
}

bool add_unary(Builder& builder, const Node& node) {
  const auto shape = builder.image(node.output);
  const bool is_like_operand = builder.tensor(node.inputs[0]).dims == builder.tensor(node.output).dims;
  const Layout layout = shape && is_like_operand ? common_layout(builder, node.inputs) : Layout::kDense;
  const View from = builder.view(node.inputs[0], layout);
  const View to = builder.result(node.output, layout);
  builder.add_step(std::make_unique<UnaryStep>(builder, node, unary_op(node.op), layout, from, to));
  return true;
}

void add_activation(Builder& builder, const Node& node, Layout layout, View values) {
  if (node.activation.is_identity()) return;
  builder.add_step(std::make_unique<UnaryStep>(builder, node, kernels::Unary::kClamp, layout, values, values));
}

}  // namespace silhouette::native
