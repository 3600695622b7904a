#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/native/planning/bands.hpp"
#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/choice.hpp"

namespace silhouette::native {
namespace {

using graph::Node;

class Pool final : public Step {
 public:
  Pool(const kernels::Kernels& kernels, const Node& node, const ImageShape& in, const ImageShape& out, View from,
       View to, std::size_t wanted)
      : kernels_(&kernels),
        window_(node.window),
        in_(in),
        out_(out),
        from_(from),
        to_(to),
        bands_((static_cast<std::size_t>(out.channels) + kernels.block - 1) / kernels.block, wanted, out.height,
               out.height),
        average_(node.op == graph::Op::kAveragePool),
        epilogue_(epilogue(node.activation)) {
    tasks = bands_.tasks;
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("{} pool {}x{} {}x{}x{}", average_ ? "average" : "max", window_.kernel_height,
                       window_.kernel_width, out.height, out.width, out.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t block = bands_.part(task);
    const auto lanes = static_cast<std::int64_t>(kernels_->block);
    kernels::PoolRow row;
    row.kernel_height = static_cast<std::size_t>(window_.kernel_height);
    row.kernel_width = static_cast<std::size_t>(window_.kernel_width);
    row.input_width = distance(in_.width);
    row.output_width = distance(out_.width);
    row.stride = distance(window_.stride_width);
    row.dilation = distance(window_.dilation_width);
    row.pad_left = distance(window_.pad_left);
    row.average = average_;
    row.epilogue = epilogue_;
    std::array<const float*, kMaxWindowRows> taps;
    row.rows = taps.data();
    const float* const input = frame.from(from_) + static_cast<std::int64_t>(block) * in_.pixels() * lanes;
    float* const output = frame.to(to_) + static_cast<std::int64_t>(block) * out_.pixels() * lanes;
    for (std::int64_t y = bands_.begin(task); y < bands_.end(task); ++y) {
      const std::int64_t first = y * window_.stride_height - window_.pad_top;
      for (std::size_t k = 0; k < row.kernel_height; ++k) {
        const std::int64_t line = first + static_cast<std::int64_t>(k) * window_.dilation_height;
        taps[k] = line < 0 || line >= in_.height ? nullptr : input + line * in_.width * lanes;
      }
      row.output = output + y * out_.width * lanes;
      kernels_->pool(row);
    }
  }

 private:
  const kernels::Kernels* kernels_;
  graph::Window window_;
  ImageShape in_;
  ImageShape out_;
  View from_;
  View to_;
  Bands bands_;
  bool average_;
  kernels::Epilogue epilogue_;
};

class GlobalAverage final : public Step {
 public:
  GlobalAverage(const kernels::Kernels& kernels, const ImageShape& in, View from, View to,
                const graph::Activation& activation)
      : kernels_(&kernels), pixels_(static_cast<std::size_t>(in.pixels())), from_(from), to_(to) {
    values_.epilogue = epilogue(activation);
    values_.count = kernels.block;
    tasks = (static_cast<std::size_t>(in.channels) + kernels.block - 1) / kernels.block;
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("global average {}x{}x{}", in.height, in.width, in.channels);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    float* const to = frame.to(to_) + task * kernels_->block;
    kernels_->average(frame.from(from_) + task * pixels_ * kernels_->block, pixels_, to);
    kernels::UnaryValues values = values_;
    values.a = to;
    values.output = to;
    kernels_->unary_values(values);
  }

 private:
  const kernels::Kernels* kernels_;
  std::size_t pixels_;
  View from_;
  View to_;
  kernels::UnaryValues values_;
};

}  // namespace

bool is_pool(const Network& network, const Node& node) {
  return network.image(node.inputs[0]) && network.image(node.output) &&
         node.window.kernel_height <= static_cast<std::int64_t>(kMaxWindowRows);
}

void emit(Builder& builder, const Node& node, const choice::Pool& /*chosen*/) {
  const auto in = builder.image(node.inputs[0]);
  const auto out = builder.image(node.output);
  const View from = builder.view(node.inputs[0], Layout::kBlocked);
  const View to = builder.result(node.output, Layout::kBlocked);
  const std::int64_t work = out->pixels() * out->channels * node.window.kernel_height * node.window.kernel_width;
  builder.add_step(std::make_unique<Pool>(builder.kernels(), node, *in, *out, from, to, builder.task_count(4 * work)));
}

void emit(Builder& builder, const Node& node, const choice::GlobalAverage& /*chosen*/) {
  const auto in = builder.image(node.inputs[0]);
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
}

}  // namespace silhouette::native
