#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/native/planning/builder.hpp"

namespace silhouette::native {

/// Weights [O, taps, I] as the tile kernels read them: panels of two blocks of columns and, if the number of blocks is
/// odd, a last one of one block; in each, for every tap and every input channel (filled up to whole blocks), the
/// columns.
struct PanelShape {
  std::size_t columns = 0;  ///< O
  std::size_t taps = 0;
  std::size_t channels = 0;      ///< I
  std::size_t tap_channels = 0;  ///< I filled up, or I itself
  std::size_t block = 0;

  [[nodiscard]] std::size_t depth() const noexcept { return taps * tap_channels; }
  [[nodiscard]] std::size_t column_blocks() const noexcept { return (columns + block - 1) / block; }
  [[nodiscard]] std::size_t panels() const noexcept { return (column_blocks() + 1) / 2; }
  /// Blocks of columns in a panel.
  [[nodiscard]] std::size_t width(std::size_t panel) const noexcept { return 2 * panel + 2 <= column_blocks() ? 2 : 1; }
  [[nodiscard]] std::size_t panel_offset(std::size_t panel) const noexcept { return panel * 2 * block * depth(); }
  [[nodiscard]] std::size_t size() const noexcept { return column_blocks() * block * depth(); }
};

/// Writes one panel; `weights` has `columns` rows, `row_stride` apart, each [taps][channels] with `tap_stride`.
void pack_panel(const PanelShape& shape, const float* weights, std::size_t row_stride, std::size_t tap_stride,
                std::size_t panel, float* destination);

/// Adds all panels of constant weights.
View add_panels(Builder& builder, const PanelShape& shape, const float* weights, std::size_t row_stride,
                std::size_t tap_stride);

/// A stretch of the result's rows whose rows of A follow each other at a constant stride.
struct Segment {
  std::ptrdiff_t a = 0;  ///< floats from A's view to the first row
  std::size_t row = 0;   ///< the first row's number in C
  std::size_t rows = 0;
  std::size_t table = 0;  ///< which of the product's lists of taps
};

/// A tap that rows are multiplied with: where its values lie, and which of the weights' taps it is.
struct Tap {
  std::ptrdiff_t a = 0;
  std::size_t index = 0;
};

/// C = A × B for segments of rows, B packed in panels. Cut into tasks by rows and panels; what a task computes, and in
/// which order, doesn't depend on the threads.
class Product : public Step {
 public:
  struct Geometry {
    View a;
    View c;
    View weights;
    std::optional<View> bias;    ///< one for each column, in whole panels
    std::optional<View> addend;  ///< like C, or one for each column
    bool addend_is_row = false;  ///< the latter
    PanelShape panels;
    std::ptrdiff_t row_stride = 0;
    std::ptrdiff_t chunk_stride = 0;
    std::size_t chunk_length = 0;
    std::size_t chunks = 0;  ///< of each tap
    std::ptrdiff_t c_block_stride = 0;
    std::ptrdiff_t c_row_step = 1;  ///< rows of C from a segment's row to its next
    kernels::Epilogue epilogue;
    bool accumulate = false;         ///< C has an earlier part of the depth
    std::size_t first_channel = 0;   ///< of the weights' taps: the part of the depth that A has
    std::size_t rows_at_a_time = 0;  ///< that a task goes through; 0: as many as stay in the second-level cache
  };

  Product(const kernels::Kernels& kernels, const Geometry& geometry, std::vector<Segment> segments,
          std::vector<std::vector<Tap>> tables, std::size_t wanted_tasks);

  void run(const Frame& frame, std::size_t task) const noexcept override;

  /// One panel of lines of `rows` rows each, made into other memory than C. For products of one pass without an addend.
  class Lines {
   public:
    Lines(const Product& product, const Frame& frame, std::size_t panel, std::size_t rows,
          std::ptrdiff_t block_stride) noexcept;
    /// The line whose first row begins `a` floats from A's view.
    void run(std::ptrdiff_t a, float* to) noexcept;

   private:
    const float* a_;
    kernels::Tile tile_;
    kernels::TileKernel kernel_;  ///< for tiles of `each_` rows
    kernels::TileKernel larger_kernel_;
    std::size_t count_;
    std::size_t each_;
    std::size_t larger_;  ///< so many of them have one row more, and come first
  };

  [[nodiscard]] std::ptrdiff_t row_stride() const noexcept { return geometry_.row_stride; }

 private:
  /// A result and what is added to it.
  struct Destination {
    float* c = nullptr;
    std::ptrdiff_t block_stride = 0;
    const float* addend = nullptr;
  };

  /// A part of the depth that fits into the first-level cache.
  struct Pass {
    std::vector<kernels::DepthPart> parts[2];  ///< for panels of one and of two blocks
    std::size_t chunks = 0;
    std::size_t last_length = 0;  ///< of the channels' last chunk, if that isn't whole
  };

  void make_passes(const std::vector<Tap>& taps);
  void make_groups(std::size_t wanted_tasks);
  /// The panel after the one in use, fetched from memory while that is multiplied.
  struct Upcoming {
    const float* panel = nullptr;
    const float* end = nullptr;
    std::size_t cache_lines = 0;  ///< for every chunk
  };
  /// All of a tile but where it begins.
  [[nodiscard]] kernels::Tile tile(const Frame& frame, std::size_t panel, const Pass& pass,
                                   std::ptrdiff_t c_block_stride) const noexcept;
  [[nodiscard]] Upcoming look_ahead(const Frame& frame, std::size_t panel, std::size_t pass,
                                    std::size_t rows) const noexcept;
  void run_panel(const Frame& frame, std::size_t panel, std::size_t pass, const Segment& segment,
                 Upcoming& upcoming) const noexcept;
  void run_tiles(const Frame& frame, std::size_t panel, std::size_t pass, const Segment& segment, const Destination& to,
                 Upcoming& upcoming) const noexcept;

  const kernels::Kernels* kernels_;
  Geometry geometry_;
  std::vector<Segment> segments_;
  std::vector<std::vector<Pass>> passes_;  ///< by table
  std::size_t most_passes_ = 0;
  std::vector<std::size_t> group_ends_;  ///< one past the last segment of each group
  std::size_t panel_groups_ = 1;
  const kernels::TileKernel (*tiles_)[kernels::kMaxTileRows] = nullptr;
};

}  // namespace silhouette::native
