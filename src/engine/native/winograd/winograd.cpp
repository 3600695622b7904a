#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/aligned_buffer.hpp"
#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/choice.hpp"
#include "engine/native/products/product.hpp"
#include "engine/native/winograd/winograd.hpp"
#include "kernels/winograd/line.hpp"

namespace silhouette::native {
namespace {

using graph::Node;
using kernels::LineAlgorithm;
using kernels::LineTiles;

/// Pixels of a line at most, so that a tile's lines stay in the second-level cache between two transforms.
constexpr std::int64_t kMaxLine = 600;
/// Transforming a value costs about as much as so many multiply-adds.
constexpr std::int64_t kTransformCost = 12;
/// Input channels that are transformed and multiplied at a time, so that what is between stays in the cache.
constexpr std::size_t kPartChannels = 512;
constexpr std::size_t kPartFloats = std::size_t{2} << 20;

using Lines = std::array<const float*, kernels::kMaxLineProducts>;
using Results = std::array<float*, kernels::kMaxLineProducts>;

/// The tile line with that number: its group, and which of the group's tiles it is.
std::pair<const LineTiles*, std::int64_t> find_tile(const LineAlgorithm& algorithm, std::size_t number) {
  for (const LineTiles& group : algorithm.groups) {
    if (number < static_cast<std::size_t>(group.tiles)) return {&group, static_cast<std::int64_t>(number)};
    number -= static_cast<std::size_t>(group.tiles);
  }
  return {nullptr, 0};
}

/// Image → data of all pairs of points, for some of the channels.
class InputTransform final : public Step {
 public:
  InputTransform(const kernels::Kernels& kernels, std::shared_ptr<const Transformed> transformed,
                 const ImageShape& shape, View from, View zeros, View to, std::size_t first_block, std::size_t blocks)
      : kernels_(&kernels),
        transformed_(std::move(transformed)),
        shape_(shape),
        from_(from),
        zeros_(zeros),
        to_(to),
        first_block_(first_block),
        blocks_(blocks),
        lines_(transformed_->tile_lines()) {
    tasks = blocks * lines_;
    std::size_t products = 0;
    for (const LineTiles& group : transformed_->vertical.groups) {
      products = std::max(products, kernels::line_shape(group.type).products);
    }
    scratch = products * static_cast<std::size_t>(shape.width + 2 * transformed_->horizontal.margin) * kernels.block;
    reads = {from.buffer, zeros.buffer};
    writes = {to.buffer};
    name = fmt::format("transform {} channels", blocks * kernels.block);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t block_index = task / lines_;
    const auto [group, tile] = find_tile(transformed_->vertical, task % lines_);
    const kernels::LineShape down = kernels::line_shape(group->type);
    const auto block = static_cast<std::ptrdiff_t>(kernels_->block);
    const std::ptrdiff_t margin = distance(transformed_->horizontal.margin);
    const std::ptrdiff_t line = distance((shape_.width + 2 * margin) * block);
    float* const between = frame.scratch();

    const float* const image =
        frame.from(from_) + static_cast<std::ptrdiff_t>(first_block_ + block_index) * shape_.pixels() * block;
    Lines inputs{};
    Results outputs{};
    for (std::size_t i = 0; i < down.inputs; ++i) {
      const std::int64_t y = group->inputs[i] + tile * group->step;
      inputs[i] = y < 0 || y >= shape_.height ? frame.from(zeros_) : image + y * shape_.width * block;
    }
    for (std::size_t k = 0; k < down.products; ++k) {
      float* const start = between + static_cast<std::ptrdiff_t>(k) * line;
      std::fill_n(start, margin * block, 0.0F);
      std::fill_n(start + (margin + shape_.width) * block, margin * block, 0.0F);
      outputs[k] = start + margin * block;
    }
    kernels::LineTransform transform;
    transform.inputs = inputs.data();
    transform.outputs = outputs.data();
    transform.pixels = static_cast<std::size_t>(shape_.width);
    transform.input_step = block;
    transform.output_step = block;
    kernels_->winograd_input[static_cast<std::size_t>(group->type)](transform);

    float* const to = frame.to(to_);
    for (std::size_t k = 0; k < down.products; ++k) {
      const float* const source = between + static_cast<std::ptrdiff_t>(k) * line + margin * block;
      const std::size_t p = group->points[k];
      const std::int64_t slot = group->slots[k] + tile;
      for (const LineTiles& across : transformed_->horizontal.groups) {
        const kernels::LineShape shape = kernels::line_shape(across.type);
        for (std::size_t i = 0; i < shape.inputs; ++i) inputs[i] = source + across.inputs[i] * block;
        for (std::size_t i = 0; i < shape.products; ++i) {
          const std::size_t q = across.points[i];
          const std::size_t rows = transformed_->rows(p, q);
          const std::size_t row = static_cast<std::size_t>(slot * transformed_->horizontal.counts[q] + across.slots[i]);
          outputs[i] = to + (transformed_->first[transformed_->pair(p, q)] * blocks_ + block_index * rows + row) *
                                kernels_->block;
        }
        transform.pixels = static_cast<std::size_t>(across.tiles);
        transform.input_step = distance(across.step * block);
        kernels_->winograd_input[static_cast<std::size_t>(across.type)](transform);
      }
    }
  }

 private:
  const kernels::Kernels* kernels_;
  std::shared_ptr<const Transformed> transformed_;
  ImageShape shape_;
  View from_;
  View zeros_;
  View to_;
  std::size_t first_block_;
  std::size_t blocks_;
  std::size_t lines_;
};

/// One matrix product for each pair of points.
class PairProducts final : public Step {
 public:
  PairProducts(std::vector<std::unique_ptr<Product>> products) : products_(std::move(products)) {
    tasks = 0;
    for (const auto& product : products_) {
      first_task_.push_back(tasks);
      tasks += product->tasks;
      multiply_adds += product->multiply_adds;
    }
    reads = products_.front()->reads;
    writes = products_.front()->writes;
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const auto next = std::ranges::upper_bound(first_task_, task);
    const auto index = static_cast<std::size_t>(next - first_task_.begin()) - 1;
    products_[index]->run(frame, task - first_task_[index]);
  }

 private:
  std::vector<std::unique_ptr<Product>> products_;
  std::vector<std::size_t> first_task_;
};

/// Products of all pairs of points → image, finished.
class OutputTransform final : public Step {
 public:
  OutputTransform(const kernels::Kernels& kernels, std::shared_ptr<const Transformed> transformed,
                  const ImageShape& shape, View from, View bias, std::optional<View> addend, View to,
                  const kernels::Epilogue& epilogue)
      : kernels_(&kernels),
        transformed_(std::move(transformed)),
        shape_(shape),
        from_(from),
        bias_(bias),
        addend_(addend),
        to_(to),
        epilogue_(epilogue),
        blocks_((static_cast<std::size_t>(shape.channels) + kernels.block - 1) / kernels.block),
        lines_(transformed_->tile_lines()) {
    tasks = blocks_ * lines_;
    reads = {from.buffer, bias.buffer};
    if (addend) reads.push_back(addend->buffer);
    writes = {to.buffer};
    name = fmt::format("transform back {} channels", shape.channels);
    for (const std::int64_t count : transformed_->horizontal.counts) {
      offsets_.push_back(width_);
      width_ += count;
    }
    std::size_t outputs = 0;
    for (const LineTiles& group : transformed_->vertical.groups) {
      outputs = std::max(outputs, kernels::line_shape(group.type).outputs);
    }
    scratch = outputs * static_cast<std::size_t>(width_) * kernels.block;
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t block_index = task / lines_;
    const auto [group, tile] = find_tile(transformed_->vertical, task % lines_);
    const kernels::LineShape down = kernels::line_shape(group->type);
    const LineAlgorithm& across = transformed_->horizontal;
    const auto block = static_cast<std::ptrdiff_t>(kernels_->block);
    float* const between = frame.scratch();
    const std::ptrdiff_t line = distance(width_ * block);

    Lines inputs{};
    Results outputs{};
    kernels::LineTransform transform;
    transform.inputs = inputs.data();
    transform.outputs = outputs.data();
    transform.input_step = block;
    transform.output_step = block;
    const float* const from = frame.from(from_);
    for (std::size_t q = 0; q < across.counts.size(); ++q) {
      for (std::size_t k = 0; k < down.products; ++k) {
        const std::size_t p = group->points[k];
        const std::size_t row = static_cast<std::size_t>((group->slots[k] + tile) * across.counts[q]);
        inputs[k] = from + (transformed_->first[transformed_->pair(p, q)] * blocks_ +
                            block_index * transformed_->rows(p, q) + row) *
                               kernels_->block;
      }
      for (std::size_t i = 0; i < down.outputs; ++i) {
        outputs[i] = between + static_cast<std::ptrdiff_t>(i) * line + offsets_[q] * block;
      }
      transform.pixels = static_cast<std::size_t>(across.counts[q]);
      kernels_->winograd_output[static_cast<std::size_t>(group->type)](transform);
    }

    const std::ptrdiff_t plane = distance(static_cast<std::int64_t>(block_index) * shape_.pixels() * block);
    float* const image = frame.to(to_) + plane;
    transform.bias = frame.from(bias_) + block_index * kernels_->block;
    transform.addend = addend_ ? frame.from(*addend_) - frame.to(to_) : 0;
    transform.epilogue = epilogue_;
    for (std::size_t i = 0; i < down.outputs; ++i) {
      const float* const source = between + static_cast<std::ptrdiff_t>(i) * line;
      float* const row = image + (group->outputs[i] + tile * group->step) * shape_.width * block;
      for (const LineTiles& tiles : across.groups) {
        const kernels::LineShape shape = kernels::line_shape(tiles.type);
        for (std::size_t k = 0; k < shape.products; ++k) {
          inputs[k] = source + (offsets_[tiles.points[k]] + tiles.slots[k]) * block;
        }
        for (std::size_t k = 0; k < shape.outputs; ++k) outputs[k] = row + tiles.outputs[k] * block;
        transform.pixels = static_cast<std::size_t>(tiles.tiles);
        transform.output_step = distance(tiles.step * block);
        kernels_->winograd_output[static_cast<std::size_t>(tiles.type)](transform);
      }
    }
  }

 private:
  const kernels::Kernels* kernels_;
  std::shared_ptr<const Transformed> transformed_;
  ImageShape shape_;
  View from_;
  View bias_;
  std::optional<View> addend_;
  View to_;
  kernels::Epilogue epilogue_;
  std::size_t blocks_;
  std::size_t lines_;
  std::vector<std::int64_t> offsets_;  ///< of each point's data within a line of the scratch
  std::int64_t width_ = 0;
};

/// Packs one panel of all pairs of points: the taps' panels, then their combinations. Whether there was memory.
bool pack_transformed(const kernels::Kernels& kernels, const Transformed& transformed, const PanelShape& panels,
                      const float* weights, std::size_t panel, float* destination) {
  const std::size_t size = panels.depth() * panels.width(panel) * panels.block;
  const PanelShape taps{.columns = panels.columns,
                        .taps = 9,
                        .channels = panels.channels,
                        .tap_channels = panels.tap_channels,
                        .block = panels.block};
  const std::size_t down = transformed.vertical.points.size();
  auto scratch = AlignedBuffer<float>::create((9 + 3 * down) * size, "transformed weights");
  if (!scratch) return false;
  float* const packed = scratch->data();
  pack_panel(taps, weights, 9 * panels.channels, panels.channels, panel, packed);
  float* const lines = packed + 9 * size;
  for (std::size_t p = 0; p < down; ++p) {
    for (std::size_t kx = 0; kx < 3; ++kx) {
      const std::array<const float*, 3> inputs{packed + kx * size, packed + (3 + kx) * size, packed + (6 + kx) * size};
      kernels.combine(inputs.data(), transformed.vertical.points[p].data(), lines + (p * 3 + kx) * size, size);
    }
    for (std::size_t q = 0; q < transformed.horizontal.points.size(); ++q) {
      const std::array<const float*, 3> inputs{lines + p * 3 * size, lines + (p * 3 + 1) * size,
                                               lines + (p * 3 + 2) * size};
      kernels.combine(inputs.data(), transformed.horizontal.points[q].data(),
                      destination + transformed.pair(p, q) * panels.size() + panels.panel_offset(panel), size);
    }
  }
  return true;
}

}  // namespace

std::optional<choice::Winograd> choose_winograd(const Network& network, const Node& node) {
  const auto in = network.image(node.inputs[0]);
  const auto out = network.image(node.output);
  const graph::Tensor& weights = network.tensor(node.inputs[1]);
  const graph::Window& window = node.window;
  if (!in || !out || !network.has_constant_weights(node) || weights.dims[1] != 3 || weights.dims[2] != 3 ||
      window.groups != 1 || window.stride_height != 1 || window.stride_width != 1) {
    return std::nullopt;
  }
  const auto block = static_cast<std::int64_t>(network.block());
  if (in->channels < 2 * block || out->channels < block) return std::nullopt;
  // An addend of one value a channel is no image to be added pixel by pixel.
  if (node.inputs.size() > 3 && network.image(node.inputs[3]) != out) return std::nullopt;
  const bool few_points = network.options().low_memory;
  auto down = kernels::make_line_algorithm(in->height, out->height, window.pad_top, window.dilation_height, few_points);
  auto across = kernels::make_line_algorithm(in->width, out->width, window.pad_left, window.dilation_width, few_points);
  if (!down || !across || in->width + 2 * across->margin > kMaxLine || out->width > kMaxLine) return std::nullopt;
  // Weights of short lines don't grow; others' are transformed in every run where memory matters more.
  const bool fleeting = network.options().low_memory && !(down->is_short() && across->is_short());
  const std::int64_t data = down->products() * across->products();
  const std::int64_t cost = data * (in->channels * out->channels + kTransformCost * (in->channels + out->channels));
  if (cost > graph::multiply_adds(network.graph(), node)) return std::nullopt;
  return choice::Winograd{.down = std::move(*down), .across = std::move(*across), .fleeting = fleeting};
}

void emit(Builder& builder, const Node& node, const choice::Winograd& chosen) {
  const auto in = builder.image(node.inputs[0]);
  const auto out = builder.image(node.output);
  const graph::Tensor& weights = builder.tensor(node.inputs[1]);
  const auto block = static_cast<std::ptrdiff_t>(builder.block());
  const auto& kernels = builder.kernels();
  const auto transformed = std::make_shared<const Transformed>(chosen.down, chosen.across);
  const PanelShape panels{.columns = static_cast<std::size_t>(out->channels),
                          .taps = 1,
                          .channels = static_cast<std::size_t>(in->channels),
                          .tap_channels = builder.blocks(in->channels) * builder.block(),
                          .block = builder.block()};
  const float* const values = weights.constant.values.data();
  PanelShape taps = panels;
  taps.taps = 9;
  const auto pack_taps = [taps, values](float* destination, std::size_t panel) {
    pack_panel(taps, values, 9 * taps.channels, taps.channels, panel, destination + taps.panel_offset(panel));
    return true;
  };
  const auto pack_points = [&kernels, transformed, panels, values](float* destination, std::size_t panel) {
    return pack_transformed(kernels, *transformed, panels, values, panel, destination);
  };
  const View packed = chosen.fleeting
                          ? builder.add_weights(taps.size(), taps.panels(), pack_taps)
                          : builder.add_weights(transformed->pairs() * panels.size(), panels.panels(), pack_points);
  const View bias = builder.add_channel_values(builder.bias(node), panels.columns);
  const View zeros = builder.zeros(static_cast<std::size_t>(in->width * block));
  const View from = builder.view(node.inputs[0], Layout::kBlocked);
  std::optional<View> addend;
  if (node.inputs.size() > 3) addend = builder.view(node.inputs[3], Layout::kBlocked);

  const std::size_t in_blocks = builder.blocks(in->channels);
  const std::size_t out_blocks = builder.blocks(out->channels);
  std::size_t part_blocks = in_blocks;
  if (transformed->data * panels.tap_channels > kPartFloats)
    part_blocks = std::min(in_blocks, kPartChannels / builder.block());
  const View data_view = builder.add_buffer(transformed->data * part_blocks * builder.block());
  const View products_view = builder.add_buffer(transformed->data * out_blocks * builder.block());
  for (std::size_t begin = 0; begin < in_blocks; begin += part_blocks) {
    const std::size_t blocks = std::min(part_blocks, in_blocks - begin);
    builder.add_step(
        std::make_unique<InputTransform>(kernels, transformed, *in, from, zeros, data_view, begin, blocks));
    if (chosen.fleeting) {
      builder.add_step(make_fleeting_products(kernels, transformed, taps, data_view, packed, products_view,
                                              begin * builder.block(), blocks * builder.block()));
      continue;
    }
    std::vector<std::unique_ptr<Product>> products;
    for (std::size_t p = 0; p < transformed->vertical.counts.size(); ++p) {
      for (std::size_t q = 0; q < transformed->horizontal.counts.size(); ++q) {
        const std::size_t pair = transformed->pair(p, q);
        const std::size_t rows = transformed->rows(p, q);
        Product::Geometry g;
        g.a = data_view.at(transformed->first[pair] * blocks * builder.block());
        g.c = products_view.at(transformed->first[pair] * out_blocks * builder.block());
        g.weights = packed.at(pair * panels.size());
        g.panels = panels;
        g.row_stride = block;
        g.chunk_stride = static_cast<std::ptrdiff_t>(rows) * block;
        g.chunk_length = builder.block();
        g.chunks = blocks;
        g.c_block_stride = static_cast<std::ptrdiff_t>(rows) * block;
        g.epilogue = epilogue({});
        g.accumulate = begin > 0;
        g.first_channel = begin * builder.block();
        const std::int64_t work = static_cast<std::int64_t>(rows * blocks * builder.block()) * out->channels;
        const std::size_t wanted = std::max<std::size_t>(
            1, builder.task_count(panels.panels(), work * static_cast<std::int64_t>(transformed->pairs())) * rows /
                   transformed->data);
        products.push_back(std::make_unique<Product>(kernels, g,
                                                     std::vector<Segment>{{.a = 0, .row = 0, .rows = rows, .table = 0}},
                                                     std::vector<std::vector<Tap>>{{Tap{}}}, wanted));
        products.back()->multiply_adds = work;
      }
    }
    auto step = std::make_unique<PairProducts>(std::move(products));
    step->name = fmt::format("winograd {} products {}x{}x{} d{} {} -> {}", transformed->pairs(), out->height,
                             out->width, "3x3", node.window.dilation_height, blocks * builder.block(), out->channels);
    builder.add_step(std::move(step));
  }
  const View to = builder.result(node.output, Layout::kBlocked);
  builder.add_step(std::make_unique<OutputTransform>(kernels, transformed, *out, products_view, bias, addend, to,
                                                     epilogue(node.activation)));
}

}  // namespace silhouette::native
