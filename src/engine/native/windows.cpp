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

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t block_index = bands_.block(task);
    const auto block = static_cast<std::ptrdiff_t>(kernels_->block);
    const auto plane = static_cast<std::ptrdiff_t>(block_index) * block;
    const float* const from = frame.at(from_) + plane * in_.pixels();
    float* const to = frame.at(to_) + plane * out_.pixels();
    std::array<const float*, kMaxKernel> rows{};
    for (std::int64_t y = bands_.begin(task); y < bands_.end(task); ++y) {
      for (std::int64_t ky = 0; ky < window_.kernel_height; ++ky) {
        const std::int64_t row = y * window_.stride_height - window_.pad_top + ky * window_.dilation_height;
        rows[static_cast<std::size_t>(ky)] = row < 0 || row >= in_.height ? nullptr : from + row * in_.width * block;
      }
      run_row(frame, block_index, rows.data(), to + y * out_.width * block);
    }
  }

 protected:
  virtual void run_row(const Frame& frame, std::size_t block_index, const float* const* rows,
                       float* output) const noexcept = 0;

  template <typename Row>
  void fill(Row& row, const float* const* rows, float* output) const noexcept {
    row.rows = rows;
    row.kernel_height = static_cast<std::size_t>(window_.kernel_height);
    row.kernel_width = static_cast<std::size_t>(window_.kernel_width);
    row.input_width = in_.width;
    row.output_width = out_.width;
    row.stride = window_.stride_width;
    row.dilation = window_.dilation_width;
    row.pad_left = window_.pad_left;
    row.output = output;
  }

  const kernels::Kernels* kernels_;
  graph::Window window_;

 private:
  ImageShape in_;
  ImageShape out_;
  View from_;
  View to_;
  Bands bands_;
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
  }

 protected:
  void run_row(const Frame& frame, std::size_t block_index, const float* const* rows,
               float* output) const noexcept override {
    kernels::DepthwiseRow row;
    fill(row, rows, output);
    row.weights = frame.at(weights_) + block_index * row.kernel_height * row.kernel_width * kernels_->block;
    row.bias = frame.at(bias_) + block_index * kernels_->block;
    row.epilogue = epilogue_;
    kernels_->depthwise(row);
  }

 private:
  View weights_;
  View bias_;
  kernels::Epilogue epilogue_;
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

 protected:
  void run_row(const Frame& /*frame*/, std::size_t /*block_index*/, const float* const* rows,
               float* output) const noexcept override {
    kernels::PoolRow row;
    fill(row, rows, output);
    row.average = average_;
    row.epilogue = epilogue_;
    kernels_->pool(row);
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
