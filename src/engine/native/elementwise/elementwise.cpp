#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "engine/native/movement/gather.hpp"
#include "engine/native/planning/choice.hpp"

namespace silhouette::native {
namespace {

using graph::Node;
using graph::Op;

/// Values that a task goes through: how they are cut doesn't depend on the threads.
constexpr std::size_t kValuesAtATime = 1 << 14;
/// Fewer values that follow each other aren't worth a kernel's call.
constexpr std::int64_t kFewestValues = 8;

/// The kernels of operators. What isn't here is the plain interpreter's.
struct BinaryKernel {
  Op op;
  kernels::Binary kernel;
};
constexpr std::array kBinaryKernels{
    BinaryKernel{Op::kAdd, kernels::Binary::kAdd},           BinaryKernel{Op::kSubtract, kernels::Binary::kSubtract},
    BinaryKernel{Op::kMultiply, kernels::Binary::kMultiply}, BinaryKernel{Op::kDivide, kernels::Binary::kDivide},
    BinaryKernel{Op::kMaximum, kernels::Binary::kMaximum},   BinaryKernel{Op::kMinimum, kernels::Binary::kMinimum},
    BinaryKernel{Op::kPrelu, kernels::Binary::kPrelu},
};
struct UnaryKernel {
  Op op;
  kernels::Unary kernel;
  bool is_finite = true;  ///< of what an unused lane holds: else those are cleared
};
constexpr std::array kUnaryKernels{
    UnaryKernel{Op::kClamp, kernels::Unary::kClamp},
    UnaryKernel{Op::kCopy, kernels::Unary::kClamp},
    UnaryKernel{Op::kAbs, kernels::Unary::kAbs},
    UnaryKernel{Op::kCeiling, kernels::Unary::kCeiling},
    UnaryKernel{Op::kElu, kernels::Unary::kElu},
    UnaryKernel{Op::kExp, kernels::Unary::kExp, false},
    UnaryKernel{Op::kFloor, kernels::Unary::kFloor},
    UnaryKernel{Op::kGelu, kernels::Unary::kGelu},
    UnaryKernel{Op::kHardswish, kernels::Unary::kHardswish},
    UnaryKernel{Op::kLeakyRelu, kernels::Unary::kLeakyRelu},
    UnaryKernel{Op::kLog, kernels::Unary::kLog, false},
    UnaryKernel{Op::kNegate, kernels::Unary::kNegate},
    UnaryKernel{Op::kReciprocalSquareRoot, kernels::Unary::kReciprocalSquareRoot, false},
    UnaryKernel{Op::kSigmoid, kernels::Unary::kSigmoid},
    UnaryKernel{Op::kSquare, kernels::Unary::kSquare},
    UnaryKernel{Op::kSquareRoot, kernels::Unary::kSquareRoot, false},
    UnaryKernel{Op::kTanh, kernels::Unary::kTanh},
};

/// An operator's row, or null.
template <typename Table>
constexpr const typename Table::value_type* find_kernel(const Table& table, Op op) {
  const auto found = std::ranges::find(table, op, &Table::value_type::op);
  return found == table.end() ? nullptr : &*found;
}
const BinaryKernel* binary_kernel(Op op) {
  return find_kernel(kBinaryKernels, op);
}
const UnaryKernel* unary_kernel(Op op) {
  return find_kernel(kUnaryKernels, op);
}

/// How a tensor's values lie: rows of values (of an image in blocks: its blocks), and what has no meaning behind them.
struct Rows {
  std::size_t rows = 1;
  std::size_t values = 0;
  std::size_t parts = 1;       ///< that a row is cut into
  std::size_t block = 1;       ///< of the last row, in which
  std::size_t used_lanes = 1;  ///< are used
  std::size_t rest = 0;        ///< after the last row

  Rows(const Network& network, graph::TensorId id, Layout layout) {
    if (layout == Layout::kBlocked) {
      const ImageShape shape = *network.image(id);
      block = network.block();
      rows = network.blocks(shape.channels);
      values = static_cast<std::size_t>(shape.pixels()) * block;
      used_lanes = static_cast<std::size_t>(shape.channels) - (rows - 1) * block;
    } else {
      values = static_cast<std::size_t>(graph::count(network.tensor(id).dims));
      rest = network.blocks(static_cast<std::int64_t>(values)) * network.block() - values;
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
  BinaryStep(const Network& network, const Node& node, Operand a, Operand b, View to)
      : kernels_(&network.kernels()),
        op_(binary_kernel(node.op)->kernel),
        epilogue_(epilogue(node.activation)),
        a_(a),
        b_(b),
        to_(to),
        rows_(network, node.output, Layout::kBlocked) {
    tasks = rows_.tasks();
    reads = {a.view.buffer, b.view.buffer};
    writes = {to.buffer};
    name = fmt::format("{} {}", graph::op_name(node.op), fmt::join(network.tensor(node.output).dims, "x"));
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

using PairLoop = choice::Broadcast::Loop;

/// Two operands of which one or both are repeated in some dimensions; the result's values follow each other.
class BroadcastStep final : public Step {
 public:
  BroadcastStep(const Network& network, const Node& node, const choice::Broadcast& chosen, View a, View b, View to)
      : kernels_(&network.kernels()),
        op_(binary_kernel(node.op)->kernel),
        epilogue_(epilogue(node.activation)),
        a_(a),
        b_(b),
        to_(to),
        rows_(network, node.output, chosen.layout),
        rank_(chosen.loops.size()) {
    std::ranges::copy(chosen.loops, loops_.begin());
    tasks = rows_.tasks();
    reads = {a.buffer, b.buffer};
    writes = {to.buffer};
    name = fmt::format("{} {}", graph::op_name(node.op), fmt::join(network.tensor(node.output).dims, "x"));
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
  UnaryStep(const Network& network, const Node& node, const UnaryKernel& kernel, Layout layout, View from, View to)
      : kernels_(&network.kernels()),
        clears_lanes_(!kernel.is_finite),
        from_(from),
        to_(to),
        rows_(network, node.output, layout) {
    values_.op = kernel.kernel;
    values_.parameter = node.parameter;
    values_.epilogue = epilogue(node.activation);
    tasks = rows_.tasks();
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("{} {}", graph::op_name(node.op), fmt::join(network.tensor(node.output).dims, "x"));
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t first = rows_.row(task) * rows_.values + rows_.begin(task);
    kernels::UnaryValues values = values_;
    values.a = frame.from(from_) + first;
    values.output = frame.to(to_) + first;
    values.count = rows_.count(task);
    kernels_->unary_values(values);
    if (clears_lanes_) rows_.clear_lanes(task, values.output);
    rows_.clear_rest(task, frame.to(to_));
  }

 private:
  const kernels::Kernels* kernels_;
  kernels::UnaryValues values_;
  bool clears_lanes_;
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
  const Layout layout = is_image ? common_layout(builder, builder.places(), std::array{id}) : Layout::kDense;
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

using How = choice::BinaryInBlocks::Operand;

/// How an operand of an image in blocks is brought there.
How choose_operand(const Network& network, const Places& places, graph::TensorId id, const ImageShape& shape) {
  const graph::Tensor& tensor = network.tensor(id);
  const auto image = network.image(id);
  if (image == shape) return How::kWhole;
  if (tensor.is_constant() && tensor.constant.values.size() == 1) return How::kNumber;
  const ImageShape from = *as_image(tensor.dims);
  if (from.pixels() != 1 || from.channels != shape.channels) return How::kRepeated;
  if (tensor.is_constant()) return How::kChannels;
  // One pixel's values, filled up to whole blocks, but for what the caller gives.
  const auto dense = places.existing(id, Layout::kDense);
  return image || !dense || dense->buffer != kInputBuffer ? How::kPixel : How::kRepeated;
}

Operand make_operand(Builder& builder, graph::TensorId id, How how, const ImageShape& shape) {
  const auto values = builder.tensor(id).constant.values;
  switch (how) {
    case How::kWhole: return {builder.view(id, Layout::kBlocked), Operand::Kind::kWhole};
    case How::kNumber:
      return {filled(builder, builder.blocks(shape.channels) * builder.block(), values[0]), Operand::Kind::kChannel};
    case How::kChannels: return {builder.add_channel_values(values, values.size()), Operand::Kind::kChannel};
    case How::kPixel:
      return {builder.view(id, builder.image(id) ? Layout::kBlocked : Layout::kDense), Operand::Kind::kChannel};
    case How::kRepeated: break;
  }
  return repeated_operand(builder, id, *as_image(builder.tensor(id).dims), shape);
}

/// The dimensions of a result in the order of its layout, without ones, those that follow each other in both operands
/// taken together.
std::vector<PairLoop> pair_loops(const Network& network, graph::TensorId result, Layout layout,
                                 const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  const auto& dims = network.tensor(result).dims;
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

/// The strides of an operand in that layout, seen as an array of `dims`: 0 where it is repeated.
std::vector<std::int64_t> repeated_strides(const Network& network, graph::TensorId id, Layout layout,
                                           std::span<const std::int64_t> dims) {
  const auto& own = network.tensor(id).dims;
  std::vector<std::int64_t> result = strides(network, id, layout);
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i] == 1) result[i] = 0;
  }
  result.insert(result.begin(), dims.size() - own.size(), 0);
  return result;
}

/// In planes or in the order of the dimensions; nothing if a row can't be made by one call. `must`: even if that takes
/// many short runs.
std::optional<choice::Broadcast> choose_broadcast(const Network& network, const Places& places, const Node& node,
                                                  Layout layout, bool must) {
  const auto& dims = network.tensor(node.output).dims;
  if (dims.size() > kMostLoops) return std::nullopt;
  // What comes last in the dimensions comes last in memory, or no run would be longer than a value.
  const auto layout_of = [&](graph::TensorId id) {
    return layout == Layout::kPlanar ? strided_layout(network, places, id, layout) : Layout::kDense;
  };
  choice::Broadcast chosen{
      .layout = layout, .a = layout_of(node.inputs[0]), .b = layout_of(node.inputs[1]), .loops = {}};
  chosen.loops = pair_loops(network, node.output, layout, repeated_strides(network, node.inputs[0], chosen.a, dims),
                            repeated_strides(network, node.inputs[1], chosen.b, dims));
  const PairLoop& inner = chosen.loops.back();
  if (inner.a > 1 || inner.b > 1 || (!must && inner.count < kFewestValues)) return std::nullopt;
  return chosen;
}

/// The layout of a binary node's result: that of those operands that are as large.
Layout binary_layout(const Network& network, const Places& places, const Node& node) {
  std::vector<graph::TensorId> large;
  for (const graph::TensorId id : node.inputs) {
    if (network.tensor(id).dims == network.tensor(node.output).dims) large.push_back(id);
  }
  return common_layout(network, places, large.empty() ? node.inputs : large);
}

}  // namespace

Choice choose_binary(const Network& network, const Places& places, const Node& node) {
  if (binary_kernel(node.op) == nullptr) return choice::Plain{};
  const auto shape = network.image(node.output);
  const Layout layout = shape ? binary_layout(network, places, node) : Layout::kDense;
  if (layout != Layout::kBlocked) {
    if (auto found = choose_broadcast(network, places, node, layout, /*must=*/!shape)) return *std::move(found);
  }
  if (shape) {
    return choice::BinaryInBlocks{.a = choose_operand(network, places, node.inputs[0], *shape),
                                  .b = choose_operand(network, places, node.inputs[1], *shape)};
  }
  return choice::Plain{};
}

std::optional<choice::Unary> choose_unary(const Network& network, const Places& places, const Node& node) {
  if (unary_kernel(node.op) == nullptr) return std::nullopt;
  const bool is_like_operand = network.tensor(node.inputs[0]).dims == network.tensor(node.output).dims;
  const bool is_image = network.image(node.output) && is_like_operand;
  return choice::Unary{.layout = is_image ? common_layout(network, places, node.inputs) : Layout::kDense};
}

void emit(Builder& builder, const Node& node, const choice::BinaryInBlocks& chosen) {
  const ImageShape shape = *builder.image(node.output);
  const Operand a = make_operand(builder, node.inputs[0], chosen.a, shape);
  const Operand b = make_operand(builder, node.inputs[1], chosen.b, shape);
  const View to = builder.result(node.output, Layout::kBlocked);
  builder.add_step(std::make_unique<BinaryStep>(builder, node, a, b, to));
}

void emit(Builder& builder, const Node& node, const choice::Broadcast& chosen) {
  const View a = builder.view(node.inputs[0], chosen.a);
  const View b = builder.view(node.inputs[1], chosen.b);
  const View to = builder.result(node.output, chosen.layout);
  builder.add_step(std::make_unique<BroadcastStep>(builder, node, chosen, a, b, to));
}

void emit(Builder& builder, const Node& node, const choice::Unary& chosen) {
  const View from = builder.view(node.inputs[0], chosen.layout);
  const View to = builder.result(node.output, chosen.layout);
  builder.add_step(std::make_unique<UnaryStep>(builder, node, *unary_kernel(node.op), chosen.layout, from, to));
}

void add_activation(Builder& builder, const Node& node, Layout layout, View values) {
  if (node.activation.is_identity()) return;
  builder.add_step(std::make_unique<UnaryStep>(builder, node, *unary_kernel(Op::kClamp), layout, values, values));
}

}  // namespace silhouette::native
