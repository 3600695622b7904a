#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/native/planning/builder.hpp"
#include "engine/native/planning/choice.hpp"
#include "engine/native/products/product.hpp"

namespace silhouette::native {
namespace {

using graph::Node;

// One level of Winograd's variant of Strassen's algorithm (S. Winograd, "On multiplication of 2 × 2 matrices", 1971): C
// = A × B in quarters takes seven products instead of eight.
//   S1 = A21 + A22   S2 = S1 − A11   S3 = A11 − A21   S4 = A12 − S2
//   T1 = B12 − B11   T2 = B22 − T1   T3 = B22 − B12   T4 = T2 − B21
//   C11 = A11 B11 + A12 B21
//   U2 = A11 B11 + S2 T2   U4 = U2 + S1 T1
//   C12 = U4 + S4 B22   C21 = U2 + S3 T3 − A22 T4   C22 = U4 + S3 T3
// The T are made once; the S of some rows and a part of the depth stay in the second-level cache, the sums of products
// of a tile in the first.

/// Rows of a quarter that a task goes through at once, at most: four of the largest tiles.
constexpr std::size_t kRowsAtATime = 56;
/// Depth of a pass, at most.
constexpr std::size_t kMaxDepth = 512;
constexpr std::size_t kMaxBlock = 16;
/// The left-hand sums of some rows and a part of the depth, and the tiles of sums of products.
constexpr std::size_t kSums = 4;
constexpr std::size_t kTiles = 3;
/// So that one that was held up doesn't hold up all.
constexpr std::size_t kTasksPerThread = 4;

/// The right-hand factors in the order in which they are packed: B11, B21, T2, T1, B22, T3, −T4.
constexpr std::size_t kFactors = 7;

struct Operands {
  View a;
  View c;
  View weights;
  View bias;
  std::optional<View> addend;  ///< like C
  std::optional<View> row;     ///< one value a column that is added to all rows
};

class StrassenProduct final : public Step {
 public:
  StrassenProduct(const kernels::Kernels& kernels, const Operands& operands, std::size_t rows, std::size_t depth,
                  std::size_t columns, const kernels::Epilogue& epilogue, std::size_t threads)
      : kernels_(&kernels),
        operands_(operands),
        epilogue_(epilogue),
        half_rows_(rows / 2),
        half_depth_(depth / 2),
        panels_(columns / 2 / (2 * kernels.block)) {
    const std::size_t pass = std::min(kernels.depth, kMaxDepth);
    passes_ = (half_depth_ + pass - 1) / pass;
    // Whole tiles, and as many groups for every thread: the sums are made for each group of panels again.
    const std::size_t most = kernels.tile_rows[1];
    tiles_ = (half_rows_ + most - 1) / most;
    const std::size_t tiles_at_a_time = kRowsAtATime / most;
    groups_ = (tiles_ + tiles_at_a_time - 1) / tiles_at_a_time;
    if (groups_ > threads) groups_ = std::min(tiles_, (groups_ + threads - 1) / threads * threads);
    panel_groups_ = std::clamp<std::size_t>((kTasksPerThread * threads + groups_ - 1) / groups_, 1, panels_);
    tasks = groups_ * panel_groups_;
    const std::size_t most_rows = std::min((tiles_ + groups_ - 1) / groups_ * most, half_rows_);
    const std::size_t most_chunks = (half_depth_ / kernels.block + passes_ - 1) / passes_;
    scratch = kTiles * tile_floats() + kSums * most_rows * most_chunks * kernels.block;
    reads = {operands.a.buffer, operands.weights.buffer};
    if (operands.addend) reads.push_back(operands.addend->buffer);
    if (operands.row) reads.push_back(operands.row->buffer);
    writes = {operands.c.buffer};
    multiply_adds = static_cast<std::int64_t>(kFactors * half_rows_ * half_depth_ * columns / 2);
    name = fmt::format("strassen product {} x {} -> {}", rows, depth, columns);
  }

  void run(const Frame& frame, std::size_t task) const noexcept override {
    const std::size_t group = task / panel_groups_;
    const std::size_t part = task % panel_groups_;
    const std::size_t begin = first_row(group);
    const std::size_t rows = first_row(group + 1) - begin;
    const std::size_t block = kernels_->block;
    float* const sums = frame.scratch() + kTiles * tile_floats();
    const std::size_t chunks = half_depth_ / block;
    for (std::size_t pass = 0; pass < passes_; ++pass) {
      const std::size_t first = chunks * pass / passes_;
      const std::size_t count = chunks * (pass + 1) / passes_ - first;
      add_up(frame, begin, rows, first, count, sums);
      for (std::size_t panel = panels_ * part / panel_groups_; panel < panels_ * (part + 1) / panel_groups_; ++panel) {
        multiply(frame, {.row = begin, .rows = rows, .panel = panel, .first = first, .chunks = count, .pass = pass},
                 sums);
      }
    }
  }

 private:
  struct Place {
    std::size_t row = 0;  ///< within a half
    std::size_t rows = 0;
    std::size_t panel = 0;
    std::size_t first = 0;  ///< chunk within a half of the depth
    std::size_t chunks = 0;
    std::size_t pass = 0;
  };

  /// The larger groups come first: they are handed out in this order.
  [[nodiscard]] std::size_t first_row(std::size_t group) const noexcept {
    const std::size_t tiles = tiles_ / groups_ * group + std::min(group, tiles_ % groups_);
    return std::min(tiles * kernels_->tile_rows[1], half_rows_);
  }

  /// Of a group's rows and a panel's columns.
  [[nodiscard]] std::size_t tile_floats() const { return kRowsAtATime * 2 * kernels_->block; }

  [[nodiscard]] std::size_t chunk_stride() const { return 2 * half_rows_ * kernels_->block; }

  /// Where a quarter of A has that row and chunk.
  [[nodiscard]] const float* quarter(const Frame& frame, int down, int right, std::size_t row,
                                     std::size_t chunk) const {
    const std::size_t block = kernels_->block;
    const std::size_t chunks = half_depth_ / block;
    return frame.from(operands_.a) + (chunk + static_cast<std::size_t>(right) * chunks) * chunk_stride() +
           (row + static_cast<std::size_t>(down) * half_rows_) * block;
  }

  /// S1 … S4 of these rows and chunks, each [chunks][rows][block].
  void add_up(const Frame& frame, std::size_t begin, std::size_t rows, std::size_t first, std::size_t count,
              float* sums) const noexcept {
    const std::size_t block = kernels_->block;
    const std::size_t size = count * rows * block;
    for (std::size_t i = 0; i < count; ++i) {
      const auto part = [&](int down, int right) { return quarter(frame, down, right, begin, first + i); };
      float* const s1 = sums + i * rows * block;
      kernels_->strassen_sums({.a11 = part(0, 0),
                               .a12 = part(0, 1),
                               .a21 = part(1, 0),
                               .a22 = part(1, 1),
                               .s1 = s1,
                               .s2 = s1 + size,
                               .s3 = s1 + 2 * size,
                               .s4 = s1 + 3 * size,
                               .count = rows * block});
    }
  }

  /// The seven products of some rows and a panel's columns in all four quarters of C, one after the other, so that a
  /// factor stays in the first-level cache for all rows.
  void multiply(const Frame& frame, const Place& place, const float* sums) const noexcept {
    const std::size_t block = kernels_->block;
    const std::size_t width = 2 * block;
    float* const u2 = frame.scratch();
    float* const u4 = u2 + tile_floats();
    float* const p = u4 + tile_floats();
    alignas(64) float bias[2 * kMaxBlock];
    const kernels::DepthPart whole;
    kernels::Tile tile;
    tile.row_stride = static_cast<std::ptrdiff_t>(block);
    tile.parts = &whole;
    tile.chunk_length = block;
    tile.chunks = place.chunks;
    tile.finish = false;
    tile.epilogue = epilogue_;
    tile.addend_row_stride = static_cast<std::ptrdiff_t>(block);

    const std::size_t panel_floats = half_depth_ * width;
    const float* const factors =
        frame.from(operands_.weights) + place.panel * kFactors * panel_floats + place.first * block * width;
    const std::size_t sum_size = place.chunks * place.rows * block;
    const auto from_a = [&](int down, int right) {
      tile.a = quarter(frame, down, right, place.row, place.first);
      tile.chunk_stride = static_cast<std::ptrdiff_t>(chunk_stride());
    };
    const auto from_sum = [&](std::size_t number) {
      tile.a = sums + (number - 1) * sum_size;
      tile.chunk_stride = static_cast<std::ptrdiff_t>(place.rows * block);
    };
    const auto to_tile = [&](float* sums_of_products, const float* addend, bool adds) {
      tile.c = sums_of_products;
      tile.c_row_stride = static_cast<std::ptrdiff_t>(block);
      tile.c_block_stride = static_cast<std::ptrdiff_t>(kRowsAtATime * block);
      tile.addend = addend;
      tile.addend_block_stride = tile.c_block_stride;
      tile.earlier = adds ? sums_of_products : nullptr;
      tile.bias = nullptr;
      tile.finish = false;
    };
    const auto c_offset = [&](int down, int right) {
      const std::size_t blocks = 2 * (place.panel + static_cast<std::size_t>(right) * panels_);
      return (blocks * 2 * half_rows_ + place.row + static_cast<std::size_t>(down) * half_rows_) * block;
    };
    const auto to_result = [&](int down, int right, const float* addend) {
      const std::size_t offset = c_offset(down, right);
      tile.c = frame.to(operands_.c) + offset;
      tile.c_block_stride = static_cast<std::ptrdiff_t>(chunk_stride());
      tile.addend = addend;
      tile.addend_block_stride = static_cast<std::ptrdiff_t>(kRowsAtATime * block);
      // The network's own addend lies as the result does.
      tile.earlier = place.pass > 0 ? tile.c : operands_.addend ? frame.from(*operands_.addend) + offset : nullptr;
      const std::size_t column = (place.panel + static_cast<std::size_t>(right) * panels_) * width;
      tile.bias = place.pass == 0 ? frame.from(operands_.bias) + column : nullptr;
      if (operands_.row && place.pass == 0) {
        const float* const row = frame.from(*operands_.row) + column;
        for (std::size_t i = 0; i < width; ++i) bias[i] = tile.bias[i] + row[i];
        tile.bias = bias;
      }
      tile.finish = place.pass + 1 == passes_;
    };
    const std::size_t most = kernels_->tile_rows[1];
    const std::size_t tiles = (place.rows + most - 1) / most;
    const auto all_tiles = [&] {
      kernels::Tile part = tile;
      std::size_t done = 0;
      for (std::size_t i = 1; i <= tiles; ++i) {
        const std::size_t rows = place.rows * i / tiles - done;
        kernels_->packed[1][rows - 1](part);
        done += rows;
        part.a += rows * block;
        part.c += rows * block;
        if (part.earlier != nullptr) part.earlier += rows * block;
        if (part.addend != nullptr) part.addend += rows * block;
        part.next += part.next_cache_lines * part.chunks * kernels::kCacheLineFloats;
      }
    };
    // The next factor, which follows in memory but for the last of a panel, comes to the cache meanwhile.
    const std::size_t cache_lines = place.chunks * block * width / kernels::kCacheLineFloats;
    const auto multiply_by = [&](std::size_t factor) {
      tile.b = factors + factor * panel_floats;
      tile.part_count = 1;
      tile.next = tile.b + panel_floats;
      tile.next_cache_lines = (cache_lines + tiles * place.chunks - 1) / (tiles * place.chunks);
      all_tiles();
    };
    const auto add_only = [&] {
      tile.part_count = 0;
      all_tiles();
    };

    from_a(0, 0);
    to_tile(p, nullptr, false);
    multiply_by(0);
    from_a(0, 1);
    to_result(0, 0, p);
    multiply_by(1);
    from_sum(2);
    to_tile(u2, p, false);
    multiply_by(2);
    from_sum(1);
    to_tile(u4, u2, false);
    multiply_by(3);
    from_sum(4);
    to_result(0, 1, u4);
    multiply_by(4);
    from_sum(3);
    to_tile(p, nullptr, false);
    multiply_by(5);
    to_tile(u2, p, true);
    add_only();
    to_tile(u4, p, true);
    add_only();
    from_a(1, 1);
    to_result(1, 0, u2);
    multiply_by(6);
    to_result(1, 1, u4);
    add_only();
  }

  const kernels::Kernels* kernels_;
  Operands operands_;
  kernels::Epilogue epilogue_;
  std::size_t half_rows_;
  std::size_t half_depth_;
  std::size_t panels_;  ///< of half the columns
  std::size_t passes_ = 1;
  std::size_t tiles_ = 1;  ///< of half the rows
  std::size_t groups_ = 1;
  std::size_t panel_groups_ = 1;
};

/// One panel of the seven factors; `weights` are [columns][depth]. Sums in double precision: they are made once.
void pack_factors(std::size_t block, const float* weights, std::size_t depth, std::size_t columns, std::size_t panel,
                  float* destination) {
  const std::size_t width = 2 * block;
  const std::size_t half = depth / 2;
  const std::size_t size = half * width;
  for (std::size_t k = 0; k < half; ++k) {
    for (std::size_t lane = 0; lane < width; ++lane) {
      const std::size_t column = panel * width + lane;
      const float* const left = weights + column * depth + k;
      const float* const right = left + columns / 2 * depth;
      const double b11 = left[0];
      const double b21 = left[half];
      const double b12 = right[0];
      const double b22 = right[half];
      const double t1 = b12 - b11;
      const double t2 = b22 - t1;
      const std::array<double, kFactors> factors{b11, b21, t2, t1, b22, b22 - b12, b21 - t2};
      float* const to = destination + k * width + lane;
      for (std::size_t i = 0; i < kFactors; ++i) to[i * size] = static_cast<float>(factors[i]);
    }
  }
}

}  // namespace

std::optional<choice::Strassen> choose_strassen(const Network& network, const Node& node) {
  const auto in = network.image(node.inputs[0]);
  const auto out = network.image(node.output);
  const graph::Tensor& weights = network.tensor(node.inputs[1]);
  const graph::Window& window = node.window;
  if (!in || !out || in->pixels() != out->pixels() || !network.has_constant_weights(node) || weights.dims[1] != 1 ||
      weights.dims[2] != 1 || window.groups != 1 || !has_no_padding(window) || window.stride_height != 1 ||
      window.stride_width != 1) {
    return std::nullopt;
  }
  const bool is_row = node.inputs.size() > 3 && network.image(node.inputs[3]) != out;
  if (is_row && network.image(node.inputs[3]) != ImageShape{.height = 1, .width = 1, .channels = out->channels}) {
    return std::nullopt;
  }
  const auto block = static_cast<std::int64_t>(network.block());
  // The sums cost depth × rows, what is saved an eighth of depth × rows × columns.
  const bool is_large = in->pixels() >= 512 ? in->channels >= 256 && out->channels >= 128
                                            : in->pixels() >= 128 && in->channels >= 512 && out->channels >= 256;
  const bool is_worth_it =
      is_large && in->pixels() % 2 == 0 && in->channels % (2 * block) == 0 && out->channels % (4 * block) == 0;
  if (network.options().low_memory || !is_worth_it) return std::nullopt;
  return choice::Strassen{.addend_is_row = is_row};
}

void emit(Builder& builder, const Node& node, const choice::Strassen& chosen) {
  const auto in = builder.image(node.inputs[0]);
  const auto out = builder.image(node.output);
  const graph::Tensor& weights = builder.tensor(node.inputs[1]);
  const auto depth = static_cast<std::size_t>(in->channels);
  const auto columns = static_cast<std::size_t>(out->channels);
  const std::size_t panels = columns / 2 / (2 * builder.block());
  const std::size_t panel_floats = kFactors * depth / 2 * 2 * builder.block();
  const float* const values = weights.constant.values.data();
  const std::size_t lanes = builder.block();
  Operands operands;
  operands.weights = builder.add_weights(panels * panel_floats, panels, [=](float* destination, std::size_t panel) {
    pack_factors(lanes, values, depth, columns, panel, destination + panel * panel_floats);
    return true;
  });
  operands.bias = builder.add_channel_values(builder.bias(node), columns);
  operands.a = builder.view(node.inputs[0], Layout::kBlocked);
  if (node.inputs.size() > 3) {
    (chosen.addend_is_row ? operands.row : operands.addend) = builder.view(node.inputs[3], Layout::kBlocked);
  }
  operands.c = builder.result(node.output, Layout::kBlocked);
  builder.add_step(std::make_unique<StrassenProduct>(
      builder.kernels(), operands, static_cast<std::size_t>(in->pixels()), depth, columns, epilogue(node.activation),
      static_cast<std::size_t>(builder.options().threads)));
}

}  // namespace silhouette::native
