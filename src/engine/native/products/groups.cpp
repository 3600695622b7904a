#include "engine/native/products/groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace silhouette::native {
namespace {

/// Pixels that a task repeats the channels of: a block of them stays in the first-level cache.
constexpr std::size_t kPixelsAtATime = 256;

class Together final : public Step {
 public:
  explicit Together(std::vector<std::unique_ptr<Step>> steps) : steps_(std::move(steps)) {
    tasks = 0;
    for (const auto& step : steps_) {
      tasks += step->tasks;
      ends_.push_back(tasks);
      multiply_adds += step->multiply_adds;
      scratch = std::max(scratch, step->scratch);
      const auto add = [](std::vector<std::uint32_t>& all, const std::vector<std::uint32_t>& more) {
        for (const std::uint32_t buffer : more) {
          if (std::ranges::find(all, buffer) == all.end()) all.push_back(buffer);
        }
      };
      add(reads, step->reads);
      add(writes, step->writes);
    }
    name = steps_.front()->name;
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const auto step = static_cast<std::size_t>(std::ranges::upper_bound(ends_, task) - ends_.begin());
    steps_[step]->run(frame, step == 0 ? task : task - ends_[step - 1]);
  }

 private:
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<std::size_t> ends_;  ///< one past the last task of each
};

class RepeatedChannels final : public Step {
 public:
  RepeatedChannels(std::size_t block, const ImageShape& shape, std::int64_t times, View from, View to)
      : block_(block),
        pixels_(static_cast<std::size_t>(shape.pixels())),
        times_(static_cast<std::size_t>(times)),
        channels_(static_cast<std::size_t>(shape.channels) * times_),
        parts_((pixels_ + kPixelsAtATime - 1) / kPixelsAtATime),
        from_(from),
        to_(to) {
    tasks = (channels_ + block - 1) / block * parts_;
    reads = {from.buffer};
    writes = {to.buffer};
    name = fmt::format("repeat channels {}x{}x{}", shape.height, shape.width, channels_);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t first = task / parts_ * block_;
    const std::size_t begin = task % parts_ * kPixelsAtATime;
    const std::size_t end = std::min(begin + kPixelsAtATime, pixels_);
    float* const to = frame.to(to_) + first * pixels_;
    for (std::size_t lane = 0; lane < block_; ++lane) {
      if (first + lane >= channels_) {
        for (std::size_t i = begin; i < end; ++i) to[i * block_ + lane] = 0;
        continue;
      }
      const std::size_t channel = (first + lane) / times_;
      const float* const from = frame.from(from_) + channel / block_ * block_ * pixels_ + channel % block_;
      for (std::size_t i = begin; i < end; ++i) to[i * block_ + lane] = from[i * block_];
    }
  }

 private:
  std::size_t block_;
  std::size_t pixels_;
  std::size_t times_;
  std::size_t channels_;
  std::size_t parts_;
  View from_;
  View to_;
};

/// Some of the result's columns, from a block's first on, and the blocks of channels in which their groups lie: groups
/// that share blocks are computed together, with zeros between them.
struct GroupPart {
  std::size_t first_column = 0;
  std::size_t columns = 0;
  std::size_t first_block = 0;
  std::size_t blocks = 0;
};

GroupPart part_of(const GroupShape& shape, std::size_t first, std::size_t columns) {
  const std::size_t begin = first / shape.columns * shape.channels;
  const std::size_t end = ((first + columns - 1) / shape.columns + 1) * shape.channels;
  const std::size_t first_block = begin / shape.block;
  return {.first_column = first,
          .columns = columns,
          .first_block = first_block,
          .blocks = (end + shape.block - 1) / shape.block - first_block};
}

std::vector<GroupPart> parts_of(const GroupShape& shape, std::size_t columns) {
  std::vector<GroupPart> parts;
  const std::size_t all = shape.groups * shape.columns;
  for (std::size_t first = 0; first < all; first += columns) {
    parts.push_back(part_of(shape, first, std::min(columns, all - first)));
  }
  return parts;
}

/// Products of blocks.
std::size_t cost(const GroupShape& shape, const std::vector<GroupPart>& parts) {
  std::size_t sum = 0;
  for (const GroupPart& part : parts) sum += (part.columns + shape.block - 1) / shape.block * part.blocks;
  return sum;
}

/// Whole groups where they have blocks of their own; else few columns, so that there are few zeros.
std::vector<GroupPart> group_parts(const GroupShape& shape) {
  if (shape.groups == 1 || shape.columns % shape.block == 0) return parts_of(shape, shape.columns);
  // A panel of two blocks takes less time for each than one of one.
  constexpr std::size_t kTimesOne = 4;
  constexpr std::size_t kTimesTwo = 3;
  auto one = parts_of(shape, shape.block);
  auto two = parts_of(shape, 2 * shape.block);
  return kTimesOne * cost(shape, one) < kTimesTwo * cost(shape, two) ? one : two;
}

PanelShape group_panels(const GroupShape& shape, const GroupPart& part) noexcept {
  // Lanes behind the last channel aren't multiplied: what they hold isn't always finite.
  const std::size_t channels = shape.groups * shape.channels - part.first_block * shape.block;
  return {.columns = part.columns,
          .taps = shape.taps,
          .channels = std::min(part.blocks * shape.block, channels),
          .tap_channels = part.blocks * shape.block,
          .block = shape.block};
}

/// Adds a part's panels.
View add_group_panels(Builder& builder, const GroupShape& shape, const GroupPart& part, const float* weights) {
  const PanelShape panels = group_panels(shape, part);
  return builder.add_weights(panels.size(), panels.panels(), [=](float* destination, std::size_t panel) {
    const std::size_t width = panels.width(panel) * panels.block;
    const std::size_t first = panel * 2 * panels.block;
    float* const to = destination + panels.panel_offset(panel);
    std::fill_n(to, panels.depth() * width, 0.0F);
    for (std::size_t i = 0; i < std::min(width, panels.columns - first); ++i) {
      const std::size_t column = part.first_column + first + i;
      // Where the group's channels lie among those of the part.
      const std::size_t start = column / shape.columns * shape.channels - part.first_block * panels.block;
      for (std::size_t tap = 0; tap < shape.taps; ++tap) {
        const float* const from = weights + (column * shape.taps + tap) * shape.channels;
        float* const rows = to + (tap * panels.tap_channels + start) * width + i;
        for (std::size_t c = 0; c < shape.channels; ++c) rows[c * width] = from[c];
      }
    }
    return true;
  });
}

}  // namespace

std::size_t most_group_parts(const GroupShape& shape) noexcept {
  return (shape.groups * shape.columns + shape.block - 1) / shape.block;
}

std::unique_ptr<Step> make_group_products(Builder& builder, const graph::Node& node, const GroupShape& shape,
                                          const Product::Geometry& whole, const std::vector<Segment>& segments,
                                          const std::vector<std::vector<Tap>>& tables) {
  std::int64_t rows_times_taps = 0;
  for (const Segment& segment : segments) {
    rows_times_taps += static_cast<std::int64_t>(segment.rows * tables[segment.table].size());
  }
  const auto bias = builder.bias(node);
  const auto parts = group_parts(shape);
  const auto count = static_cast<std::int64_t>(parts.size());
  std::vector<std::unique_ptr<Step>> steps;
  for (const GroupPart& part : parts) {
    const std::size_t offset = part.first_column / shape.block * static_cast<std::size_t>(whole.c_block_stride);
    Product::Geometry g = whole;
    g.panels = group_panels(shape, part);
    g.a = whole.a.at(part.first_block * static_cast<std::size_t>(whole.chunk_stride));
    g.weights = add_group_panels(builder, shape, part, builder.tensor(node.inputs[1]).constant.values.data());
    g.bias =
        builder.add_channel_values(bias.empty() ? bias : bias.subspan(part.first_column, part.columns), part.columns);
    if (whole.addend) g.addend = whole.addend->at(whole.addend_is_row ? part.first_column : offset);
    g.chunk_length = shape.block;
    g.chunks = part.blocks;
    g.c = whole.c.at(offset);
    const std::int64_t work = rows_times_taps * static_cast<std::int64_t>(g.panels.tap_channels * part.columns);
    const std::size_t wanted = builder.task_count(work * count);
    steps.push_back(
        std::make_unique<Product>(builder.kernels(), g, segments, tables, (wanted + parts.size() - 1) / parts.size()));
    steps.back()->multiply_adds = work;
  }
  if (steps.size() == 1) return std::move(steps.front());
  return std::make_unique<Together>(std::move(steps));
}

View add_repeated_channels(Builder& builder, View from, const ImageShape& shape, std::int64_t times) {
  const View to = builder.add_buffer(builder.blocks(shape.channels * times) * builder.block() *
                                     static_cast<std::size_t>(shape.pixels()));
  builder.add_step(std::make_unique<RepeatedChannels>(builder.block(), shape, times, from, to));
  return to;
}

}  // namespace silhouette::native
