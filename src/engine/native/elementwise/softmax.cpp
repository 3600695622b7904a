#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/choice.hpp"

namespace silhouette::native {
namespace {

using graph::Node;

/// Values of a task, about.
constexpr std::size_t kValuesAtATime = 1 << 13;

/// Over the channels of an image in blocks, or over the last dimension of any array.
class Softmax final : public Step {
 public:
  Softmax(const Network& network, const Node& node, bool is_blocked, View from, View to)
      : kernels_(&network.kernels()), is_blocked_(is_blocked), from_(from), to_(to) {
    const auto& dims = network.tensor(node.output).dims;
    depth_ = static_cast<std::size_t>(dims.back());
    const auto all = static_cast<std::size_t>(graph::count(dims));
    rows_ = all / depth_;
    blocks_ = network.blocks(dims.back());
    rest_ = is_blocked ? 0 : network.blocks(static_cast<std::int64_t>(all)) * network.block() - all;
    rows_at_a_time_ = std::max<std::size_t>(1, kValuesAtATime / depth_);
    tasks = (rows_ + rows_at_a_time_ - 1) / rows_at_a_time_;
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("softmax {}", fmt::join(dims, "x"));
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t first = task * rows_at_a_time_;
    const std::size_t count = std::min(rows_at_a_time_, rows_ - first);
    if (is_blocked_) {
      const std::size_t block = kernels_->block;
      kernels_->softmax_pixels({.input = frame.from(from_) + first * block,
                                .output = frame.to(to_) + first * block,
                                .pixels = count,
                                .plane = rows_ * block,
                                .blocks = blocks_,
                                .channels = depth_ - (blocks_ - 1) * block});
      return;
    }
    for (std::size_t row = first; row < first + count; ++row) {
      kernels_->softmax_values(
          {.input = frame.from(from_) + row * depth_, .output = frame.to(to_) + row * depth_, .count = depth_});
    }
    if (task + 1 == tasks) std::fill_n(frame.to(to_) + rows_ * depth_, rest_, 0.0F);
  }

 private:
  const kernels::Kernels* kernels_;
  bool is_blocked_;
  View from_;
  View to_;
  std::size_t depth_ = 0;
  std::size_t rows_ = 0;
  std::size_t blocks_ = 0;
  std::size_t rest_ = 0;
  std::size_t rows_at_a_time_ = 0;
};

}  // namespace

choice::Softmax choose_softmax(const Network& network, const Places& places, const Node& node) {
  const graph::TensorId id = node.inputs[0];
  const bool is_blocked =
      network.image(id) && (places.existing(id, Layout::kBlocked) || !places.existing(id, Layout::kDense));
  return {.layout = is_blocked ? Layout::kBlocked : Layout::kDense};
}

void emit(Builder& builder, const Node& node, const choice::Softmax& chosen) {
  const View from = builder.view(node.inputs[0], chosen.layout);
  const View to = builder.result(node.output, chosen.layout);
  builder.add_step(std::make_unique<Softmax>(builder, node, chosen.layout == Layout::kBlocked, from, to));
  add_activation(builder, node, chosen.layout, to);
}

}  // namespace silhouette::native
