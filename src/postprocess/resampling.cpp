#include "postprocess/resampling.hpp"

#include "base/checked.hpp"

namespace silhouette {
namespace {

constexpr std::size_t kWindowBytes = 24 * 1024;  ///< of interpolated rows: stays in the L1 cache

}  // namespace

Resampling::Resampling(int channels_, int source_height_, int source_width_, const Upsampling& size)
    : channels(channels_),
      source_height(source_height_),
      source_width(source_width_),
      rows(make_axis(source_height_, size.height, size.aligned_corners)),
      columns(make_axis(source_width_, size.width, size.aligned_corners)),
      plan(make_column_plan(columns, source_width_, static_cast<int>(simd::lanes()))) {
  window = static_cast<int>(kWindowBytes / (2 * sizeof(float) * static_cast<std::size_t>(channels)));
  for (int b = 0; b < plan.blocks; ++b) {
    window = std::max(window, plan.last[static_cast<std::size_t>(b)] - plan.base[static_cast<std::size_t>(b)] + 2);
  }
  window = std::min(window, source_width);
  stride = static_cast<std::size_t>(window / plan.lanes + 2) * static_cast<std::size_t>(plan.lanes);
}

std::optional<std::size_t> Resampling::window_floats() const {
  const auto floats = checked_mul(2 * static_cast<std::size_t>(channels), stride);
  return floats ? checked_add(*floats, 2 * static_cast<std::size_t>(plan.lanes)) : std::nullopt;
}

}  // namespace silhouette
