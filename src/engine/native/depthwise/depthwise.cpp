#include "engine/native/depthwise/depthwise.hpp"

#include <fmt/format.h>

#include "engine/native/products/groups.hpp"

namespace silhouette::native {
namespace {

using graph::Node;

/// Values of an image whose channels are repeated.
constexpr std::int64_t kMostRepeated = std::int64_t{1} << 31;
/// Of the ring that rows are copied into, at most: with the rows of a result it stays in the first-level cache.
constexpr std::int64_t kMostRingFloats = 8192;

class Depthwise final : public Step {
 public:
  Depthwise(const Network& network, const DepthwiseWindow& window, View from, View to)
      : window_(window),
        block_(network.block()),
        from_(from),
        to_(to),
        // Depthwise multiply-adds take some four times as long as those of products.
        bands_(network.blocks(window_.out().channels), network.task_count(4 * window_.multiply_adds()),
               window_.out().height, window_.out().height) {
    tasks = bands_.tasks;
    scratch = window_.ring_floats();
    reads = {from.buffer, kWeightsBuffer};
    writes = {to.buffer};
    multiply_adds = window_.multiply_adds();
    name = window_.name();
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t block = bands_.part(task);
    const std::int64_t end = bands_.end(task);
    std::int64_t y = bands_.begin(task);
    const std::int64_t first = window_.first_line(y);
    const std::size_t from =
        block * static_cast<std::size_t>(window_.in().pixels()) + static_cast<std::size_t>(first * window_.in().width);
    const std::size_t out_plane = static_cast<std::size_t>(window_.out().pixels()) * block_;
    DepthwiseWindow::Rows rows(
        window_, frame, block,
        {.data = frame.from(from_) + from * block_, .first = first, .ring = scratch > 0 ? frame.scratch() : nullptr});
    while (y < end) {
      const std::int64_t count = window_.group(y, end);
      rows.run(y, count, frame.to(to_) + block * out_plane);
      y += count;
    }
  }

 private:
  DepthwiseWindow window_;
  std::size_t block_;
  View from_;
  View to_;
  Bands bands_;
};

}  // namespace

bool DepthwiseWindow::is_possible(const Network& network, const Node& node) {
  return network.image(node.inputs[0]) && network.image(node.output) && network.has_constant_weights(node) &&
         network.tensor(node.inputs[1]).dims[0] <= static_cast<std::int64_t>(kMaxWindowRows);
}

DepthwiseWindow::DepthwiseWindow(Builder& builder, const Node& node)
    : kernels_(&builder.kernels()),
      window_(node.window),
      in_(*builder.image(node.inputs[0])),
      out_(*builder.image(node.output)),
      epilogue_(epilogue(node.activation)),
      multiply_adds_(graph::multiply_adds(builder.graph(), node)) {
  const graph::Tensor& weights = builder.tensor(node.inputs[1]);
  const auto taps = static_cast<std::size_t>(weights.dims[0] * weights.dims[1]);
  const auto channels = static_cast<std::size_t>(out_.channels);
  const std::size_t block = builder.block();
  const std::size_t blocks = builder.blocks(out_.channels);
  const float* const values = weights.constant.values.data();
  weights_ = builder.add_weights(blocks * taps * block, blocks, [=](float* destination, std::size_t part) {
    float* const to = destination + part * taps * block;
    for (std::size_t tap = 0; tap < taps; ++tap) {
      for (std::size_t lane = 0; lane < block; ++lane) {
        const std::size_t channel = part * block + lane;
        to[tap * block + lane] = channel < channels ? values[tap * channels + channel] : 0.0F;
      }
    }
    return true;
  });
  bias_ = builder.add_channel_values(builder.bias(node), channels);
  // Or channels that are repeated so that each has its result.
  in_.channels = out_.channels;
  window_.kernel_height = weights.dims[0];
  window_.kernel_width = weights.dims[1];
  const std::int64_t reach = (window_.kernel_width - 1) * window_.dilation_width;
  const std::int64_t right =
      std::max<std::int64_t>((out_.width - 1) * window_.stride_width + reach + 1 - window_.pad_left - in_.width, 0);
  padded_width_ = in_.width + window_.pad_left + right;
  // Results at the edges are computed one by one unless rows are copied, which costs for every pixel about a twentieth
  // of what an edge does.
  const std::int64_t edges = (window_.pad_left + right) / window_.stride_width;
  is_worth_padding_ =
      in_.width < 20 * edges && span() * padded_width_ * static_cast<std::int64_t>(block) <= kMostRingFloats;
}

std::string DepthwiseWindow::name() const {
  return fmt::format("depthwise {}x{} s{} d{} {}x{}x{}", window_.kernel_height, window_.kernel_width,
                     window_.stride_height, window_.dilation_height, out_.height, out_.width, out_.channels);
}

DepthwiseWindow::Rows::Rows(const DepthwiseWindow& window, const Frame& frame, std::size_t block,
                            const Lines& lines) noexcept
    : window_(&window), lines_(lines), copies_(lines.ring != nullptr), next_(lines.first) {
  const graph::Window& w = window.window_;
  row_.kernel_height = static_cast<std::size_t>(w.kernel_height);
  row_.kernel_width = static_cast<std::size_t>(w.kernel_width);
  row_.input_width = distance(window.in_.width);
  row_.output_width = distance(window.out_.width);
  row_.stride = distance(w.stride_width);
  row_.dilation = distance(w.dilation_width);
  row_.pad_left = distance(w.pad_left);
  row_.weights = frame.from(window.weights_) + block * row_.kernel_height * row_.kernel_width * window.kernels_->block;
  row_.bias = frame.from(window.bias_) + block * window.kernels_->block;
  row_.epilogue = window.epilogue_;
  if (copies_ || lines.is_padded) {
    row_.pad_left = 0;
    row_.input_width = distance(window.padded_width_);
  }
  const auto width = static_cast<std::int64_t>(window.kernels_->block) * window.padded_width_;
  if (copies_) std::fill_n(lines_.ring, window.span() * width, 0.0F);
}

const float* DepthwiseWindow::Rows::line(std::int64_t y) noexcept {
  if (y < 0 || y >= window_->in_.height) return nullptr;
  const auto block = static_cast<std::int64_t>(window_->kernels_->block);
  const std::int64_t width = (lines_.is_padded ? window_->padded_width_ : window_->in_.width) * block;
  const auto source = [&](std::int64_t line) {
    return lines_.data + (lines_.slots == 0 ? line - lines_.first : (line - lines_.first) % lines_.slots) * width;
  };
  if (!copies_) return source(y);
  const std::int64_t slots = window_->span();
  const std::int64_t padded = window_->padded_width_ * block;
  for (; next_ <= y; ++next_) {
    std::copy_n(source(next_), width, lines_.ring + next_ % slots * padded + window_->left() * block);
  }
  return lines_.ring + y % slots * padded;
}

void DepthwiseWindow::Rows::run_rows(std::int64_t y, float* output, float* second) noexcept {
  std::array<const float*, kMaxWindowRows + 1> taps;
  const graph::Window& window = window_->window_;
  const std::int64_t first = y * window.stride_height - window.pad_top;
  const std::size_t count = row_.kernel_height + (second != nullptr ? 1 : 0);
  for (std::size_t k = 0; k < count; ++k) {
    taps[k] = line(first + static_cast<std::int64_t>(k) * window.dilation_height);
  }
  row_.rows = taps.data();
  row_.output = output;
  row_.second = second;
  window_->kernels_->depthwise(row_);
}

void DepthwiseWindow::Rows::run(std::int64_t y, std::int64_t count, float* output) noexcept {
  const std::int64_t width = window_->out_.width * static_cast<std::int64_t>(window_->kernels_->block);
  // Two rows that lie the dilation apart have all their taps but one row each in common.
  const std::int64_t apart = window_->window_.dilation_height;
  for (std::int64_t i = 0; i < std::min(apart, count); ++i) {
    float* const first = output + (y + i) * width;
    run_rows(y + i, first, i + apart < count ? first + apart * width : nullptr);
  }
}

bool is_depthwise(const Network& network, const Node& node) {
  // Strides may make little of a great many repeated channels.
  return DepthwiseWindow::is_possible(network, node) &&
         network.image(node.inputs[0])->pixels() <= kMostRepeated / network.image(node.output)->channels;
}

void emit(Builder& builder, const Node& node, const choice::Depthwise& /*chosen*/) {
  const ImageShape in = *builder.image(node.inputs[0]);
  const DepthwiseWindow window(builder, node);
  View from = builder.view(node.inputs[0], Layout::kBlocked);
  const std::int64_t times = window.out().channels / in.channels;
  if (times > 1) from = add_repeated_channels(builder, from, in, times);
  const View to = builder.result(node.output, Layout::kBlocked);
  builder.add_step(std::make_unique<Depthwise>(builder, window, from, to));
}

}  // namespace silhouette::native
