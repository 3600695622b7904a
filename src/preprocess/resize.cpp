#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <vector>

#include <fmt/format.h>
#include "preprocess/preprocess.hpp"
#include "preprocess/resize_kernels.hpp"
#include "preprocess/resize_weights.hpp"

namespace silhouette {
namespace {

// A tile is a block of output pixels that one thread makes alone. Its rows after the horizontal pass wait in a ring
// that holds no more of them than one output row needs; tiles are so narrow that the ring stays in the second-level
// cache.
constexpr std::size_t kRingBytes = std::size_t{256} * 1024;
constexpr int kLeastTileWidth = 64;
constexpr int kLeastTileHeight = 8;
constexpr int kTilesPerThread = 4;

struct Tile {
  int x0, x1, y0, y1;
  [[nodiscard]] std::size_t row_values() const { return static_cast<std::size_t>(x1 - x0) * 3; }
};

class Tiling {
 public:
  Tiling(int width, int height, std::size_t ring_bytes_per_pixel, const ThreadPool& pool)
      : width_(width), height_(height) {
    const auto fitting = static_cast<int>(std::min<std::size_t>(kRingBytes / ring_bytes_per_pixel, kMaxImageSide));
    tile_width_ = std::min(std::max(fitting, kLeastTileWidth), width);
    columns_ = (width + tile_width_ - 1) / tile_width_;
    // Bands repeat the horizontal pass of the source rows that they share: no more of them than balance needs.
    const int bands = pool.size() == 1 ? 1 : std::max(1, pool.size() * kTilesPerThread / columns_);
    tile_height_ = std::max((height + bands - 1) / bands, kLeastTileHeight);
    rows_ = (height + tile_height_ - 1) / tile_height_;
  }

  [[nodiscard]] std::size_t most_row_values() const { return static_cast<std::size_t>(tile_width_) * 3; }
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_);
  }
  [[nodiscard]] Tile operator[](std::size_t i) const {
    const int x = static_cast<int>(i % static_cast<std::size_t>(columns_)) * tile_width_;
    const int y = static_cast<int>(i / static_cast<std::size_t>(columns_)) * tile_height_;
    return {x, std::min(x + tile_width_, width_), y, std::min(y + tile_height_, height_)};
  }

 private:
  int width_, height_;
  int tile_width_ = 0, tile_height_ = 0;
  int columns_ = 0, rows_ = 0;
};

// Rows of a source that the kernels may read kRowSlack bytes beyond the end of: the last rows of the image are copied
// to where there is room.
class SourceRows {
 public:
  explicit SourceRows(const Image& image) : image_(image) {}

  Result<void> prepare() {
    const std::size_t stride = image_.stride();
    const auto height = static_cast<std::size_t>(image_.height);
    const std::size_t tail = std::min((kRowSlack + stride - 1) / stride, height);
    first_copied_ = image_.height - static_cast<int>(tail);
    auto copy = AlignedBuffer<std::uint8_t>::create(tail * stride + kRowSlack, "rows of an image");
    if (!copy) return std::unexpected(std::move(copy.error()));
    copy_ = std::move(*copy);
    std::memcpy(copy_.data(), image_.row(first_copied_), tail * stride);
    std::memset(copy_.data() + tail * stride, 0, kRowSlack);
    return {};
  }

  [[nodiscard]] const std::uint8_t* operator[](int y) const {
    return y < first_copied_ ? image_.row(y)
                             : copy_.data() + static_cast<std::size_t>(y - first_copied_) * image_.stride();
  }

 private:
  const Image& image_;
  int first_copied_ = 0;
  AlignedBuffer<std::uint8_t> copy_;
};

std::uint8_t* target_row(Image& image, const Tile& tile, int y) {
  return image.row(y) + static_cast<std::size_t>(tile.x0) * 3;
}

/// What a thread needs for one tile after the other, made before any of them.
template <typename T>
struct Scratch {
  AlignedBuffer<T> ring;                   ///< rows after the horizontal pass
  std::vector<const std::uint8_t*> lines;  ///< that one row of results is made of
};

template <typename T>
Result<std::vector<Scratch<T>>> make_scratch(const ThreadPool& pool, std::size_t ring_values, std::size_t lines) {
  std::vector<Scratch<T>> all(static_cast<std::size_t>(pool.size()));
  for (auto& scratch : all) {
    auto ring = AlignedBuffer<T>::create(ring_values, "rows of an image");
    if (!ring) return std::unexpected(std::move(ring.error()));
    scratch.ring = std::move(*ring);
    scratch.lines.resize(lines);
  }
  return all;
}

void horizontal_rows(const SourceRows& source, const AxisWeights& axis, const Tile& tile, int y, int count,
                     std::span<std::uint8_t* const> outs) {
  if (count == kRowsAtOnce) {
    std::array<const std::uint8_t*, kRowsAtOnce> rows;
    for (int r = 0; r < kRowsAtOnce; ++r) rows[static_cast<std::size_t>(r)] = source[y + r];
    horizontal_antialias(rows, outs, axis, tile.x0, tile.x1);
    return;
  }
  for (int r = 0; r < count; ++r) {
    const std::uint8_t* const row = source[y + r];
    horizontal_antialias({&row, 1}, outs.subspan(static_cast<std::size_t>(r), 1), axis, tile.x0, tile.x1);
  }
}

void resize_width_only(const SourceRows& source, const AxisWeights& axis, Image& target, ThreadPool& pool) {
  const Tiling tiling(target.width, target.height, 1, pool);
  pool.parallel_for(tiling.count(), [&](std::size_t task, std::size_t) {
    const Tile tile = tiling[task];
    for (int y = tile.y0; y < tile.y1; y += kRowsAtOnce) {
      const int count = std::min(kRowsAtOnce, tile.y1 - y);
      std::array<std::uint8_t*, kRowsAtOnce> outs{};
      for (int r = 0; r < count; ++r) outs[static_cast<std::size_t>(r)] = target_row(target, tile, y + r);
      horizontal_rows(source, axis, tile, y, count, outs);
    }
  });
}

Result<void> resize_height_only(const Image& image, const AxisWeights& axis, Image& target, ThreadPool& pool) {
  const Tiling tiling(target.width, target.height, 1, pool);
  auto scratch = make_scratch<std::uint8_t>(pool, 0, static_cast<std::size_t>(std::ranges::max(axis.count)));
  if (!scratch) return std::unexpected(std::move(scratch.error()));
  pool.parallel_for(tiling.count(), [&](std::size_t task, std::size_t worker) {
    const Tile tile = tiling[task];
    for (int y = tile.y0; y < tile.y1; ++y) {
      const auto at = static_cast<std::size_t>(y);
      const std::span lines = std::span((*scratch)[worker].lines).first(static_cast<std::size_t>(axis.count[at]));
      for (int k = 0; k < axis.count[at]; ++k) {
        lines[static_cast<std::size_t>(k)] = image.row(axis.first[at] + k) + static_cast<std::size_t>(tile.x0) * 3;
      }
      vertical_antialias(lines, axis.of(y), axis.precision, tile.row_values(), target_row(target, tile, y));
    }
  });
  return {};
}

Result<void> resize_both(const SourceRows& source, const AxisWeights& horizontal, const AxisWeights& vertical,
                         Image& target, ThreadPool& pool) {
  const auto slots = static_cast<std::size_t>(std::ranges::max(vertical.count) + kRowsAtOnce - 1);
  const Tiling tiling(target.width, target.height, slots * 3, pool);
  auto scratch = make_scratch<std::uint8_t>(pool, slots * tiling.most_row_values(), slots);
  if (!scratch) return std::unexpected(std::move(scratch.error()));
  pool.parallel_for(tiling.count(), [&](std::size_t task, std::size_t worker) {
    const Tile tile = tiling[task];
    const std::size_t stride = tile.row_values();
    std::uint8_t* const ring = (*scratch)[worker].ring.data();
    const auto slot = [&](int y) { return ring + static_cast<std::size_t>(y) % slots * stride; };
    int done = vertical.first[static_cast<std::size_t>(tile.y0)];
    const int last = static_cast<int>(tile.y1) - 1;
    const int stop = vertical.first[static_cast<std::size_t>(last)] + vertical.count[static_cast<std::size_t>(last)];
    for (int y = tile.y0; y < tile.y1; ++y) {
      const auto at = static_cast<std::size_t>(y);
      const int first = vertical.first[at];
      const int needed = first + vertical.count[at];
      while (done < needed) {
        const int count = std::min(kRowsAtOnce, stop - done);
        std::array<std::uint8_t*, kRowsAtOnce> outs{};
        for (int r = 0; r < count; ++r) outs[static_cast<std::size_t>(r)] = slot(done + r);
        horizontal_rows(source, horizontal, tile, done, count, outs);
        done += count;
      }
      const std::span lines = std::span((*scratch)[worker].lines).first(static_cast<std::size_t>(vertical.count[at]));
      for (int row = first; row < needed; ++row) lines[static_cast<std::size_t>(row - first)] = slot(row);
      vertical_antialias(lines, vertical.of(y), vertical.precision, stride, target_row(target, tile, y));
    }
  });
  return {};
}

Result<void> resize_antialias(const Image& image, Image& target, ThreadPool& pool) {
  SourceRows source(image);
  if (auto ready = source.prepare(); !ready) return ready;
  if (image.height == target.height) {
    resize_width_only(source, antialias_weights(image.width, target.width), target, pool);
    return {};
  }
  const auto vertical = antialias_weights(image.height, target.height);
  if (image.width == target.width) return resize_height_only(image, vertical, target, pool);
  return resize_both(source, antialias_weights(image.width, target.width), vertical, target, pool);
}

// OpenCV takes the mean of four pixels, rounded half up, when both sides shrink to exactly half.
void halve(const Image& image, Image& target, ThreadPool& pool) {
  const Tiling tiling(target.width, target.height, 1, pool);
  pool.parallel_for(tiling.count(), [&](std::size_t task, std::size_t) {
    const Tile tile = tiling[task];
    for (int y = tile.y0; y < tile.y1; ++y) {
      const std::uint8_t* const upper = image.row(2 * y);
      const std::uint8_t* const lower = image.row(2 * y + 1);
      std::uint8_t* out = target_row(target, tile, y);
      for (auto x = static_cast<std::size_t>(tile.x0) * 6; x < static_cast<std::size_t>(tile.x1) * 6; x += 6) {
        for (std::size_t c = x; c < x + 3; ++c) {
          *out++ = static_cast<std::uint8_t>((upper[c] + upper[c + 3] + lower[c] + lower[c + 3] + 2) >> 2);
        }
      }
    }
  });
}

Result<void> resize_linear(const Image& image, Image& target, ThreadPool& pool) {
  if (image.width == 2 * target.width && image.height == 2 * target.height) {
    halve(image, target, pool);
    return {};
  }
  SourceRows source(image);
  if (auto ready = source.prepare(); !ready) return ready;
  const auto horizontal = linear_weights(image.width, target.width);
  const auto vertical = linear_rows(image.height, target.height);
  const Tiling tiling(target.width, target.height, 2 * 3 * sizeof(std::int16_t), pool);
  auto scratch = make_scratch<std::int16_t>(pool, 2 * tiling.most_row_values(), 0);
  if (!scratch) return std::unexpected(std::move(scratch.error()));
  pool.parallel_for(tiling.count(), [&](std::size_t task, std::size_t worker) {
    const Tile tile = tiling[task];
    const std::size_t stride = tile.row_values();
    std::array<int, 2> held = {-1, -1};
    const auto row = [&](int y) {
      const auto slot = static_cast<std::size_t>(y % 2);
      std::int16_t* const values = (*scratch)[worker].ring.data() + slot * stride;
      if (held[slot] != y) horizontal_linear(source[y], horizontal, tile.x0, tile.x1, values);
      held[slot] = y;
      return values;
    };
    for (int y = tile.y0; y < tile.y1; ++y) {
      const auto& lines = vertical[static_cast<std::size_t>(y)];
      vertical_linear(row(lines.row[0]), row(lines.row[1]), lines.weight[0], lines.weight[1], stride,
                      target_row(target, tile, y));
    }
  });
  return {};
}

}  // namespace

Result<Image> resize_image(const Image& image, int width, int height, ResizeFilter filter, ThreadPool& pool) {
  if (image.channels != 3 || image.width < 1 || image.height < 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("an image of {} × {} pixels with {} channels can't be resized; give RGB", image.width,
                            image.height, image.channels));
  }
  auto target = Image::create(width, height, 3);
  if (!target) return target;
  if (image.width == width && image.height == height) {
    std::memcpy(target->pixels.data(), image.pixels.data(), image.pixels.size());
    return target;
  }
  try {
    auto done =
        filter == ResizeFilter::kLinear ? resize_linear(image, *target, pool) : resize_antialias(image, *target, pool);
    if (!done) return std::unexpected(std::move(done.error()));
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kLimitExceeded, "no memory to resize an image; use a smaller one");
  }
  return target;
}

}  // namespace silhouette
