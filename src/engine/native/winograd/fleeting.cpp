#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/native/winograd/winograd.hpp"

namespace silhouette::native {
namespace {

/// Depth whose transformed weights, of one panel, stay in the second-level cache.
constexpr std::size_t kFleetingDepth = 128;

class FleetingProducts final : public Step {
 public:
  FleetingProducts(const kernels::Kernels& kernels, std::shared_ptr<const Transformed> transformed, PanelShape panels,
                   View data, View weights, View to, std::size_t first_channel, std::size_t channels)
      : kernels_(&kernels),
        transformed_(std::move(transformed)),
        panels_(panels),
        data_(data),
        weights_(weights),
        to_(to),
        first_channel_(first_channel),
        channels_(channels) {
    tasks = panels.panels();
    scratch = (3 + transformed_->pairs()) * std::min(kFleetingDepth, channels) * 2 * panels.block;
    reads = {data.buffer, weights.buffer};
    if (first_channel > 0) reads.push_back(to.buffer);
    writes = {to.buffer};
    multiply_adds = static_cast<std::int64_t>(transformed_->data * channels * panels.columns);
    name = fmt::format("winograd {} fleeting products {} -> {}", transformed_->pairs(), channels, panels.columns);
  }

  void run(const Frame& frame, std::size_t panel) const noexcept override {
    const std::size_t width = panels_.width(panel) * panels_.block;
    float* const lines = frame.scratch();
    float* const transformed = lines + 3 * std::min(kFleetingDepth, channels_) * width;
    const float* const weights = frame.from(weights_) + panels_.panel_offset(panel);
    for (std::size_t from = 0; from < channels_; from += kFleetingDepth) {
      const std::size_t depth = std::min(kFleetingDepth, channels_ - from);
      const std::size_t size = depth * width;
      transform(weights + (first_channel_ + from) * width, depth, width, lines, transformed);
      for (std::size_t p = 0; p < transformed_->vertical.counts.size(); ++p) {
        for (std::size_t q = 0; q < transformed_->horizontal.counts.size(); ++q) {
          multiply(frame, panel, p, q, from, depth, transformed + transformed_->pair(p, q) * size);
        }
      }
    }
  }

 private:
  /// Of some depth: taps [9] → pairs of points, each [depth][width].
  void transform(const float* weights, std::size_t depth, std::size_t width, float* lines, float* to) const noexcept {
    const std::size_t size = depth * width;
    const std::size_t tap = panels_.tap_channels * width;
    for (std::size_t p = 0; p < transformed_->vertical.points.size(); ++p) {
      for (std::size_t kx = 0; kx < 3; ++kx) {
        const std::array<const float*, 3> inputs{weights + kx * tap, weights + (3 + kx) * tap,
                                                 weights + (6 + kx) * tap};
        kernels_->combine(inputs.data(), transformed_->vertical.points[p].data(), lines + kx * size, size);
      }
      const std::array<const float*, 3> inputs{lines, lines + size, lines + 2 * size};
      for (std::size_t q = 0; q < transformed_->horizontal.points.size(); ++q) {
        kernels_->combine(inputs.data(), transformed_->horizontal.points[q].data(),
                          to + transformed_->pair(p, q) * size, size);
      }
    }
  }

  void multiply(const Frame& frame, std::size_t panel, std::size_t p, std::size_t q, std::size_t from,
                std::size_t depth, const float* weights) const noexcept {
    const std::size_t block = kernels_->block;
    const std::size_t pair = transformed_->pair(p, q);
    const std::size_t rows = transformed_->rows(p, q);
    const kernels::DepthPart whole;
    kernels::Tile tile;
    tile.row_stride = static_cast<std::ptrdiff_t>(block);
    tile.parts = &whole;
    tile.part_count = 1;
    tile.chunks = depth / block;
    tile.chunk_stride = static_cast<std::ptrdiff_t>(rows * block);
    tile.chunk_length = block;
    tile.b = weights;
    tile.c_row_stride = static_cast<std::ptrdiff_t>(block);
    tile.c_block_stride = static_cast<std::ptrdiff_t>(rows * block);
    const bool begins = first_channel_ + from == 0;
    tile.finish = false;
    tile.a = frame.from(data_) + (transformed_->first[pair] * channels_ + from * rows);
    tile.c = frame.to(to_) + (transformed_->first[pair] * panels_.column_blocks() + 2 * panel * rows) * block;
    const std::size_t width = panels_.width(panel) - 1;
    const std::size_t most = kernels_->tile_rows[width];
    const std::size_t count = (rows + most - 1) / most;
    std::size_t done = 0;
    for (std::size_t i = 1; i <= count; ++i) {
      const std::size_t now = rows * i / count - done;
      tile.earlier = begins ? nullptr : tile.c;
      kernels_->packed[width][now - 1](tile);
      done += now;
      tile.a += now * block;
      tile.c += now * block;
    }
  }

  const kernels::Kernels* kernels_;
  std::shared_ptr<const Transformed> transformed_;
  PanelShape panels_;  ///< of the nine taps
  View data_;
  View weights_;
  View to_;
  std::size_t first_channel_;
  std::size_t channels_;
};

}  // namespace

std::unique_ptr<Step> make_fleeting_products(const kernels::Kernels& kernels,
                                             std::shared_ptr<const Transformed> transformed, const PanelShape& panels,
                                             View data, View weights, View to, std::size_t first_channel,
                                             std::size_t channels) {
  return std::make_unique<FleetingProducts>(kernels, std::move(transformed), panels, data, weights, to, first_channel,
                                            channels);
}

}  // namespace silhouette::native
