#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/choice.hpp"

namespace silhouette::native {
namespace {

using graph::Node;

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
    const float* const from = frame.from(from_) + static_cast<std::ptrdiff_t>(block_index) * in_.pixels() * block;
    if (planar_) {
      kernels::ResizePlanesRow planes;
      fill(planes, from, y);
      planes.input_width = static_cast<std::size_t>(in_.width);
      const std::size_t first = block_index * kernels_->block;
      planes.plane = static_cast<std::size_t>(out_.pixels());
      planes.channels = std::min(kernels_->block, static_cast<std::size_t>(out_.channels) - first);
      planes.output = frame.to(to_) + first * planes.plane + y * static_cast<std::size_t>(out_.width);
      kernels_->resize_planes(planes);
      return;
    }
    kernels::ResizeRow row;
    fill(row, from, y);
    row.output = frame.to(to_) + static_cast<std::ptrdiff_t>(task) * out_.width * block;
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

}  // namespace

const Node* last_resize(const Network& network) {
  const graph::TensorId output = network.graph().output;
  const Node* last = network.maker(output);
  if (last != nullptr && !network.planar_output()) {
    const bool to_planes =
        last->op == graph::Op::kTranspose && std::ranges::equal(last->order, std::array<std::int64_t, 4>{0, 3, 1, 2});
    if (!to_planes || network.reads(last->inputs[0]) != 1) return nullptr;
    last = network.maker(last->inputs[0]);
  }
  if (last == nullptr || last->op != graph::Op::kResizeBilinear || !last->activation.is_identity() ||
      last->corners == graph::Corners::kAsymmetric || network.reads(output) != 0) {
    return nullptr;
  }
  const graph::TensorId small = last->inputs[0];
  return network.maker(small) != nullptr && network.image(small) && network.image(small)->pixels() > 1 ? last : nullptr;
}

std::optional<choice::Resize> choose_resize(const Network& network, const Node& node) {
  if (!network.image(node.inputs[0]) || !network.image(node.output)) return std::nullopt;
  return choice::Resize{.planar = &node == last_resize(network)};
}

void emit(Builder& builder, const Node& node, const choice::Resize& chosen) {
  const View from = builder.view(node.inputs[0], Layout::kBlocked);
  const View to = builder.result(node.output, chosen.planar ? Layout::kPlanar : Layout::kBlocked);
  builder.add_step(std::make_unique<Resize>(builder.kernels(), node, *builder.image(node.inputs[0]),
                                            *builder.image(node.output), from, to, chosen.planar));
}

}  // namespace silhouette::native
