#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/native/builder.hpp"

namespace silhouette::native {
namespace {

using graph::Node;

/// Rows of kernels' windows that are kept on the stack.
constexpr std::size_t kMaxKernel = 64;

/// Blocks × bands of result rows.
struct Bands {
  std::size_t blocks = 0;
  std::size_t bands = 0;
  std::int64_t height = 0;

  Bands(std::size_t block_count, std::size_t wanted, std::int64_t rows)
      : blocks(block_count),
        bands(std::clamp<std::size_t>((wanted + block_count - 1) / block_count, 1, static_cast<std::size_t>(rows))),
        height(rows) {}

  [[nodiscard]] std::size_t tasks() const { return blocks * bands; }
  [[nodiscard]] std::size_t block(std::size_t task) const { return task / bands; }
  [[nodiscard]] std::int64_t begin(std::size_t task) const {
    return height * static_cast<std::int64_t>(task % bands) / static_cast<std::int64_t>(bands);
  }
  [[nodiscard]] std::int64_t end(std::size_t task) const {
    return height * static_cast<std::int64_t>(task % bands + 1) / static_cast<std::int64_t>(bands);
  }
};

/// What depthwise convolutions and pools have in common: rows of a block, each from some rows of the input.
class WindowStep : public Step {
 public:
  WindowStep(const kernels::Kernels& kernels, const Node& node, const ImageShape& in, const ImageShape& out, View from,
             View to, std::size_t wanted)
      : kernels_(&kernels),
        window_(node.window),
        in_(in),
        out_(out),
        from_(from),
        to_(to),
        bands_((static_cast<std::size_t>(out.channels) + kernels.block - 1) / kernels.block, wanted, out.height) {
    tasks = bands_.tasks();
    reads = {from.buffer};
    writes = {to.buffer};
  }

 protected:
  [[nodiscard]] const float* input(const Frame& frame, std::size_t block) const noexcept {
    return frame.at(from_) + block * static_cast<std::size_t>(in_.pixels()) * kernels_->block;
  }
  [[nodiscard]] float* output(const Frame& frame, std::size_t block, std::int64_t y) const noexcept {
    const std::size_t pixel =
        block * static_cast<std::size_t>(out_.pixels()) + static_cast<std::size_t>(y * out_.width);
    return frame.at(to_) + pixel * kernels_->block;
  }

  template <typename Row>
  [[nodiscard]] Row make_row() const noexcept {
    Row row;
    row.kernel_height = static_cast<std::size_t>(window_.kernel_height);
    row.kernel_width = static_cast<std::size_t>(window_.kernel_width);
    row.input_width = in_.width;
    row.output_width = out_.width;
    row.stride = window_.stride_width;
    row.dilation = window_.dilation_width;
    row.pad_left = window_.pad_left;
    return row;
  }

  const kernels::Kernels* kernels_;
  graph::Window window_;
  ImageShape in_;
  ImageShape out_;
  View from_;
  View to_;
  Bands bands_;
};

/// The rows of a block, from the top down. With `padded` they are copied between pixels of zeros into a ring of
/// `slots` rows.
class InputRows {
 public:
  InputRows(const float* rows, const ImageShape& shape, std::size_t block) noexcept
      : rows_(rows), shape_(&shape), block_(static_cast<std::int64_t>(block)) {}

  void pad(float* ring, std::int64_t slots, std::int64_t left, std::int64_t width, std::int64_t first) noexcept {
    ring_ = ring;
    slots_ = slots;
    left_ = left * block_;
    row_ = width * block_;
    next_ = std::max<std::int64_t>(first, 0);
    std::fill_n(ring, slots * row_, 0.0F);
  }

  /// Null where there is no row. Valid until a row further down than `slots` is asked for.
  const float* operator()(std::int64_t y) noexcept {
    if (y < 0 || y >= shape_->height) return nullptr;
    const std::int64_t width = shape_->width * block_;
    if (ring_ == nullptr) return rows_ + y * width;
    for (; next_ <= y; ++next_) std::copy_n(rows_ + next_ * width, width, ring_ + next_ % slots_ * row_ + left_);
    return ring_ + y % slots_ * row_;
  }

 private:
  const float* rows_;
  const ImageShape* shape_;
  std::int64_t block_;
  float* ring_ = nullptr;
  std::int64_t slots_ = 0;
  std::int64_t left_ = 0;
  std::int64_t row_ = 0;
  std::int64_t next_ = 0;
};

class Depthwise final : public WindowStep {
 public:
  Depthwise(const kernels::Kernels& kernels, const Node& node, const ImageShape& in, const ImageShape& out, View from,
            View to, std::size_t wanted, View weights, View bias)
      : WindowStep(kernels, node, in, out, from, to, wanted),
        weights_(weights),
        bias_(bias),
        epilogue_(epilogue(node.activation)) {
    name = fmt::format("depthwise {}x{} s{} d{} {}x{}x{}", window_.kernel_height, window_.kernel_width,
                       window_.stride_height, window_.dilation_height, out.height, out.width, out.channels);
    // Results at the edges are computed one by one, unless rows are copied between zeros, which costs about as much as
    // a twentieth of an edge's result for every pixel.
    const std::int64_t reach = (window_.kernel_width - 1) * window_.dilation_width;
    const std::int64_t right = (out.width - 1) * window_.stride_width + reach + 1 - window_.pad_left - in.width;
    padded_width_ = in.width + window_.pad_left + std::max<std::int64_t>(right, 0);
    slots_ = (window_.kernel_height + 1) * window_.dilation_height;
    const std::int64_t edges = (window_.pad_left + std::max<std::int64_t>(right, 0)) / window_.stride_width;
    is_padded_ =
        in.width < 20 * edges && slots_ * padded_width_ * static_cast<std::int64_t>(kernels.block) <= kRingFloats;
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t block = bands_.block(task);
    const std::int64_t begin = bands_.begin(task);
    const std::int64_t end = bands_.end(task);
    auto row = make_row<kernels::DepthwiseRow>();
    row.weights = frame.at(weights_) + block * row.kernel_height * row.kernel_width * kernels_->block;
    row.bias = frame.at(bias_) + block * kernels_->block;
    row.epilogue = epilogue_;
    InputRows rows(input(frame, block), in_, kernels_->block);
    alignas(64) std::array<float, kRingFloats> ring;
    if (is_padded_) {
      rows.pad(ring.data(), slots_, window_.pad_left, padded_width_, begin * window_.stride_height - window_.pad_top);
      row.pad_left = 0;
      row.input_width = padded_width_;
    }
    // Two rows that lie the dilation apart have all their taps but one row each in common.
    const std::int64_t apart = window_.dilation_height;
    for (std::int64_t y = begin; y < end;) {
      const std::int64_t group = window_.stride_height == 1 ? std::min(2 * apart, end - y) : 1;
      for (std::int64_t i = 0; i < std::min(apart, group); ++i) {
        const bool pair = i + apart < group;
        run_rows(row, rows, y + i, output(frame, block, y + i), pair ? output(frame, block, y + i + apart) : nullptr);
      }
      y += group;
    }
  }

 private:
  static constexpr std::int64_t kRingFloats = 8192;

  void run_rows(kernels::DepthwiseRow& row, InputRows& rows, std::int64_t y, float* output,
                float* second) const noexcept {
    std::array<const float*, kMaxKernel + 1> taps;
    const std::int64_t first = y * window_.stride_height - window_.pad_top;
    const std::size_t count = row.kernel_height + (second != nullptr ? 1 : 0);
    for (std::size_t k = 0; k < count; ++k) {
      taps[k] = rows(first + static_cast<std::int64_t>(k) * window_.dilation_height);
    }
    row.rows = taps.data();
    row.output = output;
    row.second = second;
    kernels_->depthwise(row);
  }

  View weights_;
  View bias_;
  kernels::Epilogue epilogue_;
  std::int64_t padded_width_ = 0;
  std::int64_t slots_ = 0;
  bool is_padded_ = false;
};

class Pool final : public WindowStep {
 public:
  Pool(const kernels::Kernels& kernels, const Node& node, const ImageShape& in, const ImageShape& out, View from,
       View to, std::size_t wanted)
      : WindowStep(kernels, node, in, out, from, to, wanted),
        average_(node.op == graph::Op::kAveragePool),
        epilogue_(epilogue(node.activation)) {
    name = fmt::format("{} pool {}x{} {}x{}x{}", average_ ? "average" : "max", window_.kernel_height,
                       window_.kernel_width, out.height, out.width, out.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t block = bands_.block(task);
    auto row = make_row<kernels::PoolRow>();
    row.average = average_;
    row.epilogue = epilogue_;
    InputRows rows(input(frame, block), in_, kernels_->block);
    std::array<const float*, kMaxKernel> taps;
    row.rows = taps.data();
    for (std::int64_t y = bands_.begin(task); y < bands_.end(task); ++y) {
      const std::int64_t first = y * window_.stride_height - window_.pad_top;
      for (std::size_t k = 0; k < row.kernel_height; ++k) {
        taps[k] = rows(first + static_cast<std::int64_t>(k) * window_.dilation_height);
      }
      row.output = output(frame, block, y);
      kernels_->pool(row);
    }
  }

 private:
  bool average_;
  kernels::Epilogue epilogue_;
};

class GlobalAverage final : public Step {
 public:
  GlobalAverage(const kernels::Kernels& kernels, const ImageShape& in, View from, View to,
                const graph::Activation& activation)
      : kernels_(&kernels), pixels_(static_cast<std::size_t>(in.pixels())), from_(from), to_(to) {
    row_.epilogue = epilogue(activation);
    row_.pixels = 1;
    tasks = (static_cast<std::size_t>(in.channels) + kernels.block - 1) / kernels.block;
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("global average {}x{}x{}", in.height, in.width, in.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    float* const to = frame.at(to_) + task * kernels_->block;
    kernels_->average(frame.at(from_) + task * pixels_ * kernels_->block, pixels_, to);
    kernels::UnaryRow row = row_;
    row.a = to;
    row.output = to;
    kernels_->unary(row);
  }

 private:
  const kernels::Kernels* kernels_;
  std::size_t pixels_;
  View from_;
  View to_;
  kernels::UnaryRow row_;
};

}  // namespace

bool add_depthwise(Builder& builder, const Node& node) {
  const auto in = builder.image(node.inputs[0]);
  const auto out = builder.image(node.output);
  const graph::Tensor& weights = builder.tensor(node.inputs[1]);
  if (!in || !out || in->channels != out->channels || !weights.is_constant() ||
      weights.dims[0] > static_cast<std::int64_t>(kMaxKernel)) {
    return false;
  }
  if (node.inputs.size() > 2 && !builder.tensor(node.inputs[2]).is_constant()) return false;
  const auto taps = static_cast<std::size_t>(weights.dims[0] * weights.dims[1]);
  const auto channels = static_cast<std::size_t>(out->channels);
  const std::size_t block = builder.block();
  const std::size_t blocks = builder.blocks(out->channels);
  const float* const values = weights.constant.values.data();
  const View packed = builder.add_weights(blocks * taps * block, blocks, [=](float* destination, std::size_t part) {
    float* const to = destination + part * taps * block;
    for (std::size_t tap = 0; tap < taps; ++tap) {
      for (std::size_t lane = 0; lane < block; ++lane) {
        const std::size_t channel = part * block + lane;
        to[tap * block + lane] = channel < channels ? values[tap * channels + channel] : 0.0F;
      }
    }
    return true;
  });
  std::span<const float> bias;
  if (node.inputs.size() > 2) bias = builder.tensor(node.inputs[2]).constant.values;
  const View packed_bias = builder.add_channel_values(bias, channels);
  const View from = builder.view(node.inputs[0], Layout::kBlocked);
  const View to = builder.result(node.output, Layout::kBlocked);
  const std::int64_t work = graph::multiply_adds(builder.graph(), node);
  Node shaped = node;
  shaped.window.kernel_height = weights.dims[0];
  shaped.window.kernel_width = weights.dims[1];
  // Depthwise multiply-adds take some four times as long as those of products.
  auto step =
      std::make_unique<Depthwise>(builder.kernels(), shaped, *in, *out, from, to,
                                  builder.task_count(static_cast<std::size_t>(-1) / 2, 4 * work), packed, packed_bias);
  step->multiply_adds = work;
  step->reads.push_back(kWeightsBuffer);
  builder.add_step(std::move(step));
  return true;
}

bool add_pool(Builder& builder, const Node& node) {
  const auto in = builder.image(node.inputs[0]);
  const auto out = builder.image(node.output);
  if (!in || !out || node.window.kernel_height > static_cast<std::int64_t>(kMaxKernel)) return false;
  const View from = builder.view(node.inputs[0], Layout::kBlocked);
  const View to = builder.result(node.output, Layout::kBlocked);
  const std::int64_t work = out->pixels() * out->channels * node.window.kernel_height * node.window.kernel_width;
  builder.add_step(std::make_unique<Pool>(builder.kernels(), node, *in, *out, from, to,
                                          builder.task_count(static_cast<std::size_t>(-1) / 2, 4 * work)));
  return true;
}

bool add_global_average(Builder& builder, const Node& node) {
  const auto in = builder.image(node.inputs[0]);
  if (!in) return false;
  const View from = builder.view(node.inputs[0], Layout::kBlocked);
  // [1, C], too, is what one pixel's blocks are.
  const bool is_image = builder.image(node.output).has_value();
  View to;
  if (is_image) {
    to = builder.result(node.output, Layout::kBlocked);
  } else {
    to = builder.add_buffer(builder.blocks(in->channels) * builder.block());
    builder.define(node.output, Layout::kDense, to);
  }
  builder.add_step(std::make_unique<GlobalAverage>(builder.kernels(), *in, from, to, node.activation));
  return true;
}

}  // namespace silhouette::native
