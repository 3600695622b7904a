#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "base/upsampling.hpp"
#include "postprocess/class_maps_simd.hpp"
#include "postprocess/columns.hpp"

namespace silhouette {

/// One bilinear interpolation of planar rows, planned: where each output row and column samples, and in which pieces an
/// output row is made. An output row is made a window of blocks at a time: simd::interpolate_rows over the window's
/// source columns, for all channels, then a loop over its blocks.
struct Resampling {
  int channels = 0;
  int source_height = 0;
  int source_width = 0;
  Axis rows;
  Axis columns;
  ColumnPlan plan;
  int window = 0;          ///< source columns that are interpolated at once, at most
  std::size_t stride = 0;  ///< floats of one interpolated row

  Resampling(int channels, int source_height, int source_width, const Upsampling& size);

  /// Floats of a window's interpolated rows, with what is read beyond them; nothing if they are too many to count.
  [[nodiscard]] std::optional<std::size_t> window_floats() const;

  /// Calls body(window, source columns of it) for the windows that make up blocks [begin, end). `scratch`:
  /// window_floats().
  template <class Body>
  void for_each_window(int begin, int end, const float* scratch, const Body& body) const {
    while (begin < end) {
      int stop = begin + 1;
      while (stop < end && source_columns(begin, stop + 1) <= window) ++stop;
      body(simd::Blocks{&plan, begin, stop, scratch, stride, plan.base[static_cast<std::size_t>(begin)], channels},
           source_columns(begin, stop));
      begin = stop;
    }
  }

 private:
  [[nodiscard]] int source_columns(int begin, int end) const {
    return std::min(plan.last[static_cast<std::size_t>(end - 1)] + 2, source_width) -
           plan.base[static_cast<std::size_t>(begin)];
  }
};

}  // namespace silhouette
