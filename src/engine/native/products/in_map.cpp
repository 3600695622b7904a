#include "engine/native/products/in_map.hpp"

#include <algorithm>
#include <utility>

namespace silhouette::native {
namespace {

struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// The results whose tap at `offset` (dilation × tap − padding) meets one of `input` pixels.
Range meeting(std::int64_t offset, std::int64_t stride, std::int64_t input, std::int64_t output) {
  const std::int64_t begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const std::int64_t last = input - 1 - offset;
  const std::int64_t end = last < 0 ? 0 : last / stride + 1;
  return {std::min(begin, output), std::clamp(end, std::min(begin, output), output)};
}

/// For every result of a line: the taps that meet data, in stretches of results that have the same ones.
struct Stretch {
  Range results;
  std::vector<std::int64_t> taps;
};

std::vector<Stretch> stretches(std::int64_t kernel, std::int64_t dilation, std::int64_t pad, std::int64_t stride,
                               std::int64_t input, std::int64_t output) {
  std::vector<std::int64_t> cuts{0, output};
  std::vector<Range> ranges;
  for (std::int64_t tap = 0; tap < kernel; ++tap) {
    ranges.push_back(meeting(tap * dilation - pad, stride, input, output));
    cuts.push_back(ranges.back().begin);
    cuts.push_back(ranges.back().end);
  }
  std::ranges::sort(cuts);
  const auto repeated = std::ranges::unique(cuts);
  cuts.erase(repeated.begin(), repeated.end());
  std::vector<Stretch> result;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    Stretch stretch{.results = {cuts[i], cuts[i + 1]}, .taps = {}};
    for (std::int64_t tap = 0; tap < kernel; ++tap) {
      const Range& range = ranges[static_cast<std::size_t>(tap)];
      if (range.begin <= cuts[i] && cuts[i + 1] <= range.end) stretch.taps.push_back(tap);
    }
    result.push_back(std::move(stretch));
  }
  return result;
}

}  // namespace

std::int64_t in_map_taps(const choice::ConvolutionShapes& shapes) {
  // Sets of taps change at each tap's two ends, if results are that many.
  const auto kernel_height = static_cast<std::int64_t>(shapes.kernel_height);
  const auto kernel_width = static_cast<std::int64_t>(shapes.kernel_width);
  const std::int64_t lines = std::min(2 * kernel_height + 1, shapes.out.height) * kernel_height;
  const std::int64_t columns = std::min(2 * kernel_width + 1, shapes.out.width) * kernel_width;
  return lines > kMostInMapTaps / std::max<std::int64_t>(columns, 1) ? kMostInMapTaps + 1 : lines * columns;
}

InMapRows in_map_rows(const choice::ConvolutionShapes& shapes, const graph::Window& window, std::size_t block) {
  const auto lanes = static_cast<std::ptrdiff_t>(block);
  const auto lines = stretches(static_cast<std::int64_t>(shapes.kernel_height), window.dilation_height, window.pad_top,
                               window.stride_height, shapes.in.height, shapes.out.height);
  const auto columns = stretches(static_cast<std::int64_t>(shapes.kernel_width), window.dilation_width, window.pad_left,
                                 window.stride_width, shapes.in.width, shapes.out.width);
  InMapRows result;
  for (const Stretch& line : lines) {
    for (const Stretch& column : columns) {
      std::vector<Tap> taps;
      for (const std::int64_t ky : line.taps) {
        for (const std::int64_t kx : column.taps) {
          taps.push_back(
              {.a = distance((ky * window.dilation_height * shapes.in.width + kx * window.dilation_width) * lanes),
               .index = static_cast<std::size_t>(ky) * shapes.kernel_width + static_cast<std::size_t>(kx)});
        }
      }
      for (std::int64_t y = line.results.begin; y < line.results.end; ++y) {
        const std::int64_t from_y = y * window.stride_height - window.pad_top;
        const std::int64_t from_x = column.results.begin * window.stride_width - window.pad_left;
        result.segments.push_back({.a = distance((from_y * shapes.in.width + from_x) * lanes),
                                   .row = static_cast<std::size_t>(y * shapes.out.width + column.results.begin),
                                   .rows = static_cast<std::size_t>(column.results.end - column.results.begin),
                                   .table = result.tables.size()});
      }
      result.tables.push_back(std::move(taps));
    }
  }
  return result;
}

}  // namespace silhouette::native
