#include <algorithm>
#include <cstddef>
#include <vector>

#include "postprocess/render.hpp"

namespace silhouette {
namespace {

/// Averages `count` values, `step` apart, over windows of 2 × radius + 1; `line` is scratch.
void average_line(float* values, std::size_t count, std::size_t step, std::size_t radius, std::vector<float>& line) {
  line.resize(count);
  for (std::size_t i = 0; i < count; ++i) line[i] = values[i * step];
  const auto at = [&](std::size_t shifted) { return line[std::clamp(shifted, radius, count - 1 + radius) - radius]; };
  double sum = 0;
  for (std::size_t i = 0; i < 2 * radius + 1; ++i) sum += double{at(i)};
  const double scale = 1.0 / static_cast<double>(2 * radius + 1);
  for (std::size_t i = 0; i < count; ++i) {
    values[i * step] = static_cast<float>(sum * scale);
    sum += double{at(i + 2 * radius + 1)} - double{at(i)};
  }
}

}  // namespace

void soften_edges(std::span<float> mask, int width, int height, int radius) {
  if (radius < 1 || width < 1 || height < 1) return;
  const auto columns = static_cast<std::size_t>(width);
  const auto rows = static_cast<std::size_t>(height);
  const auto reach = static_cast<std::size_t>(radius);
  std::vector<float> line;
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t y = 0; y < rows; ++y) average_line(mask.data() + y * columns, columns, 1, reach, line);
    for (std::size_t x = 0; x < columns; ++x) average_line(mask.data() + x, rows, columns, reach, line);
  }
}

}  // namespace silhouette
