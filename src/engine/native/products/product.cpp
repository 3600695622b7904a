#include "engine/native/products/product.hpp"

#include <algorithm>

namespace silhouette::native {
namespace {

/// Rows of A that a task goes through at once: with the depth of one pass they take a part of the second-level cache.
constexpr std::size_t kRowsAtATime = 96;
/// As many are worth fetching ahead for a chunk that is multiplied.
constexpr std::size_t kMostCacheLines = 8;

}  // namespace

void pack_panel(const PanelShape& shape, const float* weights, std::size_t row_stride, std::size_t tap_stride,
                std::size_t panel, float* destination) {
  const std::size_t width = shape.width(panel) * shape.block;
  const std::size_t first = panel * 2 * shape.block;
  const std::size_t columns = std::min(width, shape.columns - first);
  for (std::size_t tap = 0; tap < shape.taps; ++tap) {
    float* const rows = destination + tap * shape.tap_channels * width;
    const float* const source = weights + first * row_stride + tap * tap_stride;
    for (std::size_t i = 0; i < shape.channels; ++i) {
      float* const row = rows + i * width;
      for (std::size_t column = 0; column < columns; ++column) row[column] = source[column * row_stride + i];
      std::fill(row + columns, row + width, 0.0F);
    }
    std::fill(rows + shape.channels * width, rows + shape.tap_channels * width, 0.0F);
  }
}

View add_panels(Builder& builder, const PanelShape& shape, const float* weights, std::size_t row_stride,
                std::size_t tap_stride) {
  return builder.add_weights(shape.size(), shape.panels(), [=](float* destination, std::size_t panel) {
    pack_panel(shape, weights, row_stride, tap_stride, panel, destination + shape.panel_offset(panel));
    return true;
  });
}

Product::Product(const kernels::Kernels& kernels, const Geometry& geometry, std::vector<Segment> segments,
                 std::vector<std::vector<Tap>> tables, std::size_t wanted_tasks)
    : kernels_(&kernels), geometry_(geometry), segments_(std::move(segments)) {
  const auto block = static_cast<std::ptrdiff_t>(kernels.block);
  if (geometry_.chunk_length != kernels.block) {
    tiles_ = kernels.general;
  } else {
    tiles_ = geometry_.row_stride == block ? kernels.packed : kernels.strided;
  }
  for (const auto& taps : tables) make_passes(taps);
  make_groups(wanted_tasks);
  reads = {geometry_.a.buffer, geometry_.weights.buffer};
  if (geometry_.bias) reads.push_back(geometry_.bias->buffer);
  if (geometry_.addend) reads.push_back(geometry_.addend->buffer);
  if (geometry_.accumulate) reads.push_back(geometry_.c.buffer);
  writes = {geometry_.c.buffer};
}

void Product::make_passes(const std::vector<Tap>& taps) {
  const std::size_t most = std::max<std::size_t>(1, kernels_->depth / geometry_.chunk_length);
  std::vector<Pass> passes;
  const auto add_pass = [&](std::size_t begin, std::size_t count) {
    const std::size_t end = geometry_.first_channel + (begin + count) * geometry_.chunk_length;
    const std::size_t empty = end - std::min(end, geometry_.panels.channels);
    passes.push_back({.parts = {}, .chunks = count, .last_length = empty == 0 ? 0 : geometry_.chunk_length - empty});
  };
  const auto add_part = [&](const Tap& tap, std::size_t chunk) {
    const std::size_t depth =
        tap.index * geometry_.panels.tap_channels + geometry_.first_channel + chunk * geometry_.chunk_length;
    for (std::size_t width = 1; width <= 2; ++width) {
      passes.back().parts[width - 1].push_back(
          {.a = tap.a + static_cast<std::ptrdiff_t>(chunk) * geometry_.chunk_stride,
           .b = static_cast<std::ptrdiff_t>(depth * width * geometry_.panels.block)});
    }
  };
  // Results that meet no data are their bias.
  if (taps.empty()) passes.push_back({});
  if (geometry_.chunks >= most) {
    // Parts of each tap, of much the same length.
    const std::size_t parts = (geometry_.chunks + most - 1) / most;
    for (const Tap& tap : taps) {
      for (std::size_t part = 0; part < parts; ++part) {
        const std::size_t begin = geometry_.chunks * part / parts;
        add_pass(begin, geometry_.chunks * (part + 1) / parts - begin);
        add_part(tap, begin);
      }
    }
  } else {
    const std::size_t together = most / geometry_.chunks;
    for (std::size_t i = 0; i < taps.size(); ++i) {
      if (i % together == 0) add_pass(0, geometry_.chunks);
      add_part(taps[i], 0);
    }
  }
  most_passes_ = std::max(most_passes_, passes.size());
  passes_.push_back(std::move(passes));
}

void Product::make_groups(std::size_t wanted_tasks) {
  std::size_t rows = 0;
  for (const Segment& segment : segments_) rows += segment.rows;
  const std::size_t panels = geometry_.panels.panels();
  // By rows first, which share a panel that is in the cache; then by panels; by fewer rows where that isn't enough.
  const std::size_t full = kernels_->tile_rows[1];
  const std::size_t limit = geometry_.rows_at_a_time != 0 ? geometry_.rows_at_a_time : kRowsAtATime;
  std::size_t groups = std::max<std::size_t>(1, (rows + limit - 1) / limit);
  if (wanted_tasks > groups) panel_groups_ = std::min(panels, (wanted_tasks + groups - 1) / groups);
  if (wanted_tasks > groups * panel_groups_) {
    groups = std::max(groups, std::min(wanted_tasks / panel_groups_, (rows + 4 * full - 1) / (4 * full)));
  }
  const std::size_t target = (rows + groups - 1) / groups;

  // Segments are cut where a group is full; pieces end at whole tiles.
  std::vector<Segment> pieces;
  std::size_t filled = 0;
  for (Segment segment : segments_) {
    while (segment.rows > 0) {
      std::size_t room = std::max(target - std::min(filled, target), full);
      if (room < segment.rows) room = std::max(full, room / full * full);
      Segment piece = segment;
      piece.rows = std::min(segment.rows, room);
      pieces.push_back(piece);
      segment.a += static_cast<std::ptrdiff_t>(piece.rows) * geometry_.row_stride;
      segment.row += piece.rows * static_cast<std::size_t>(geometry_.c_row_step);
      segment.rows -= piece.rows;
      filled += piece.rows;
      if (filled + full > target) {
        group_ends_.push_back(pieces.size());
        filled = 0;
      }
    }
  }
  if (group_ends_.empty() || group_ends_.back() != pieces.size()) group_ends_.push_back(pieces.size());
  segments_ = std::move(pieces);
  tasks = group_ends_.size() * panel_groups_;
}

Product::Upcoming Product::look_ahead(const Frame& frame, std::size_t panel, std::size_t pass_index,
                                      std::size_t rows) const noexcept {
  // Rows that meet few taps read a part of the panel; the first table stands for all.
  const auto& passes = passes_.front();
  if (pass_index >= passes.size() || passes[pass_index].chunks == 0) return {};
  const Pass& pass = passes[pass_index];
  const std::size_t width = geometry_.panels.width(panel);
  const auto& parts = pass.parts[width - 1];
  const std::size_t chunks = parts.size() * pass.chunks;
  const std::size_t floats = chunks * geometry_.chunk_length * width * geometry_.panels.block;
  const std::size_t tiles = (rows + kernels_->tile_rows[width - 1] - 1) / kernels_->tile_rows[width - 1];
  Upcoming upcoming;
  upcoming.panel = frame.from(geometry_.weights) + geometry_.panels.panel_offset(panel) + parts.front().b;
  upcoming.end = upcoming.panel + floats;
  upcoming.cache_lines =
      std::min(kMostCacheLines, (floats / kernels::kCacheLineFloats + tiles * chunks - 1) / (tiles * chunks));
  return upcoming;
}

void Product::run_panel(const Frame& frame, std::size_t panel, std::size_t pass, const Segment& segment,
                        Upcoming& upcoming) const noexcept {
  const Geometry& g = geometry_;
  const auto block = static_cast<std::ptrdiff_t>(kernels_->block);
  const std::ptrdiff_t offset =
      static_cast<std::ptrdiff_t>(panel) * 2 * g.c_block_stride + static_cast<std::ptrdiff_t>(segment.row) * block;
  Destination to{.c = frame.to(g.c) + offset, .block_stride = g.c_block_stride, .addend = nullptr};
  if (g.addend) {
    to.addend = frame.from(*g.addend) + (g.addend_is_row ? static_cast<std::ptrdiff_t>(panel) * 2 * block : offset);
  }
  run_tiles(frame, panel, pass, segment, to, upcoming);
}

Product::Lines::Lines(const Product& product, const Frame& frame, std::size_t panel, std::size_t rows,
                      std::ptrdiff_t block_stride) noexcept
    : a_(frame.from(product.geometry_.a)),
      tile_(product.tile(frame, panel, product.passes_.front().front(), block_stride)) {
  const Geometry& g = product.geometry_;
  const std::size_t width = g.panels.width(panel) - 1;
  tile_.bias = g.bias ? frame.from(*g.bias) + panel * 2 * product.kernels_->block : nullptr;
  tile_.finish = true;
  const std::size_t most = product.kernels_->tile_rows[width];
  count_ = (rows + most - 1) / most;
  each_ = rows / count_;
  larger_ = rows % count_;
  kernel_ = product.tiles_[width][each_ - 1];
  larger_kernel_ = larger_ == 0 ? kernel_ : product.tiles_[width][each_];
}

void Product::Lines::run(std::ptrdiff_t a, float* to) noexcept {
  tile_.a = a_ + a;
  tile_.c = to;
  for (std::size_t i = 0; i < count_; ++i) {
    const bool is_larger = i < larger_;
    (is_larger ? larger_kernel_ : kernel_)(tile_);
    const auto rows = static_cast<std::ptrdiff_t>(each_ + (is_larger ? 1 : 0));
    tile_.a += rows * tile_.row_stride;
    tile_.c += rows * tile_.c_row_stride;
  }
}

kernels::Tile Product::tile(const Frame& frame, std::size_t panel, const Pass& pass,
                            std::ptrdiff_t c_block_stride) const noexcept {
  const Geometry& g = geometry_;
  const std::size_t width = g.panels.width(panel) - 1;
  kernels::Tile tile;
  tile.row_stride = g.row_stride;
  tile.parts = pass.parts[width].data();
  tile.part_count = pass.parts[width].size();
  tile.chunks = pass.chunks;
  tile.chunk_stride = g.chunk_stride;
  tile.chunk_length = g.chunk_length;
  tile.last_length = pass.last_length;
  tile.b = frame.from(g.weights) + g.panels.panel_offset(panel);
  tile.c_row_stride = g.c_row_step * static_cast<std::ptrdiff_t>(kernels_->block);
  tile.c_block_stride = c_block_stride;
  tile.epilogue = g.epilogue;
  return tile;
}

void Product::run_tiles(const Frame& frame, std::size_t panel, std::size_t pass_index, const Segment& segment,
                        const Destination& to, Upcoming& upcoming) const noexcept {
  const auto& passes = passes_[segment.table];
  if (pass_index >= passes.size()) return;
  const Pass& pass = passes[pass_index];
  const Geometry& g = geometry_;
  const auto block = static_cast<std::ptrdiff_t>(kernels_->block);
  const std::size_t width = g.panels.width(panel) - 1;
  const std::size_t column = panel * 2 * kernels_->block;
  const bool is_first = pass_index == 0 && !g.accumulate;

  kernels::Tile tile = this->tile(frame, panel, pass, to.block_stride);
  tile.bias = is_first && g.bias ? frame.from(*g.bias) + column : nullptr;
  tile.finish = pass_index + 1 == passes.size();

  const float* a = frame.from(g.a) + segment.a;
  float* c = to.c;
  const float* addend = tile.finish ? to.addend : nullptr;
  tile.addend_row_stride = g.addend_is_row ? 0 : tile.c_row_stride;
  tile.addend_block_stride = g.addend_is_row ? block : to.block_stride;
  const std::size_t most = kernels_->tile_rows[width];
  const std::size_t count = (segment.rows + most - 1) / most;
  const std::size_t each = segment.rows / count;
  const std::size_t larger = segment.rows % count;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t rows = each + (i < larger ? 1 : 0);
    tile.a = a;
    tile.c = c;
    tile.earlier = is_first ? nullptr : c;
    tile.addend = addend;
    tile.next = upcoming.panel;
    tile.next_cache_lines = upcoming.panel < upcoming.end ? upcoming.cache_lines : 0;
    tiles_[width][rows - 1](tile);
    upcoming.panel += tile.next_cache_lines * tile.part_count * tile.chunks * kernels::kCacheLineFloats;
    a += static_cast<std::ptrdiff_t>(rows) * g.row_stride;
    c += static_cast<std::ptrdiff_t>(rows) * tile.c_row_stride;
    if (addend != nullptr) addend += static_cast<std::ptrdiff_t>(rows) * tile.addend_row_stride;
  }
}

void Product::run(const Frame& frame, std::size_t task) const noexcept {
  const std::size_t group = task / panel_groups_;
  const std::size_t part = task % panel_groups_;
  const std::size_t begin = group == 0 ? 0 : group_ends_[group - 1];
  const std::size_t end = group_ends_[group];
  const std::size_t panels = geometry_.panels.panels();
  const std::size_t first_panel = panels * part / panel_groups_;
  const std::size_t last_panel = panels * (part + 1) / panel_groups_;
  std::size_t rows = 0;
  for (std::size_t i = begin; i < end; ++i) rows += segments_[i].rows;
  for (std::size_t pass = 0; pass < most_passes_; ++pass) {
    for (std::size_t panel = first_panel; panel < last_panel; ++panel) {
      Upcoming upcoming;
      if (panel + 1 < last_panel) {
        upcoming = look_ahead(frame, panel + 1, pass, rows);
      } else if (pass + 1 < most_passes_) {
        upcoming = look_ahead(frame, first_panel, pass + 1, rows);
      }
      for (std::size_t i = begin; i < end; ++i) run_panel(frame, panel, pass, segments_[i], upcoming);
    }
  }
}

}  // namespace silhouette::native
