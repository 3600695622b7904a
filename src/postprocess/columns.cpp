#include "postprocess/columns.hpp"

#include <algorithm>

namespace silhouette {

Axis make_axis(int input, int output, bool aligned_corners) {
  Axis axis;
  const auto count = static_cast<std::size_t>(output);
  axis.index.resize(count);
  axis.weight.resize(count);
  const float scale = aligned_corners ? static_cast<float>(input - 1) / static_cast<float>(std::max(output - 1, 1))
                                      : static_cast<float>(input) / static_cast<float>(output);
  for (std::size_t i = 0; i < count; ++i) {
    const auto position = static_cast<float>(i);
    const float source = aligned_corners ? scale * position : std::max(0.0F, scale * (position + 0.5F) - 0.5F);
    const auto index = input == output ? static_cast<std::int32_t>(i) : static_cast<std::int32_t>(source);
    axis.index[i] = std::min(index, input - 1);
    axis.weight[i] = input == output ? 0.0F : std::clamp(source - static_cast<float>(axis.index[i]), 0.0F, 1.0F);
  }
  return axis;
}

ColumnPlan make_column_plan(const Axis& axis, int input, int lanes) {
  ColumnPlan plan;
  plan.width = static_cast<int>(axis.index.size());
  plan.lanes = lanes;
  plan.blocks = (plan.width + lanes - 1) / lanes;
  const auto blocks = static_cast<std::size_t>(plan.blocks);
  plan.start.resize(blocks);
  plan.base.resize(blocks);
  plan.last.resize(blocks);
  plan.index.resize(blocks * static_cast<std::size_t>(lanes));
  plan.weight.resize(plan.index.size());

  int span = 1;
  for (std::size_t b = 0; b < blocks; ++b) {
    const int start = std::max(0, std::min(static_cast<int>(b) * lanes, plan.width - lanes));
    const auto base = axis.index[static_cast<std::size_t>(start)];
    plan.start[b] = start;
    plan.base[b] = base;
    for (int lane = 0; lane < lanes; ++lane) {
      const auto column = static_cast<std::size_t>(std::min(start + lane, plan.width - 1));
      const std::size_t at = b * static_cast<std::size_t>(lanes) + static_cast<std::size_t>(lane);
      plan.index[at] = axis.index[column] - base;
      plan.weight[at] = axis.weight[column];
      plan.last[b] = axis.index[column];
    }
    span = std::max(span, plan.last[b] - base + 1);
  }

  if (input == plan.width) {
    plan.mode = ColumnMode::kCopy;
  } else if (span <= std::min(4, lanes)) {
    plan.mode = ColumnMode::kShuffle128;
    for (auto& index : plan.index) index = index * 0x04040404 + 0x03020100;
  } else if (span <= lanes) {
    plan.mode = ColumnMode::kShuffle;
  } else if (span <= 2 * lanes) {
    plan.mode = ColumnMode::kShuffle2;
  } else {
    plan.mode = ColumnMode::kGather;
  }
  return plan;
}

}  // namespace silhouette
