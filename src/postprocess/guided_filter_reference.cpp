#include "postprocess/guided_filter_reference.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

namespace silhouette {
namespace {

struct Cell {
  std::array<double, 3> color{};
  double probability = 0;
};

struct Line {
  std::array<double, 3> a{};
  double b = 0;
};

double probability_at(const ProbabilityView& map, double x, double y) {
  const auto value = [&](int row, int column) {
    const float found =
        map.values[static_cast<std::size_t>(std::clamp(row, 0, map.height - 1)) * static_cast<std::size_t>(map.width) +
                   static_cast<std::size_t>(std::clamp(column, 0, map.width - 1))];
    return std::isnan(found) ? 0.0 : std::clamp(double{found}, 0.0, 1.0);
  };
  const double column = x * map.width - 0.5;
  const double row = y * map.height - 0.5;
  const int left = static_cast<int>(std::floor(column));
  const int top = static_cast<int>(std::floor(row));
  const double u = column - left;
  const double v = row - top;
  return (1 - v) * ((1 - u) * value(top, left) + u * value(top, left + 1)) +
         v * ((1 - u) * value(top + 1, left) + u * value(top + 1, left + 1));
}

/// Gauss's elimination with the largest pivot.
std::array<double, 3> solve(std::array<std::array<double, 4>, 3> rows) {
  for (std::size_t i = 0; i < 3; ++i) {
    std::size_t pivot = i;
    for (std::size_t j = i + 1; j < 3; ++j) {
      if (std::abs(rows[j][i]) > std::abs(rows[pivot][i])) pivot = j;
    }
    std::swap(rows[i], rows[pivot]);
    for (std::size_t j = 0; j < 3; ++j) {
      if (j == i) continue;
      const double factor = rows[j][i] / rows[i][i];
      for (std::size_t k = i; k < 4; ++k) rows[j][k] -= factor * rows[i][k];
    }
  }
  return {rows[0][3] / rows[0][0], rows[1][3] / rows[1][1], rows[2][3] / rows[2][2]};
}

}  // namespace

ReferenceAlpha reference_guided_alpha(const ProbabilityView& map, const Image& photo, const GuidedFilter& filter,
                                      int scale, int radius) {
  const int width = (photo.width + scale - 1) / scale;
  const int height = (photo.height + scale - 1) / scale;
  const auto index = [&](int x, int y) {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  };
  const int across = (map.width + width - 1) / width;
  const int down = (map.height + height - 1) / height;

  std::vector<Cell> cells(index(0, height));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Cell& cell = cells[index(x, y)];
      const int right = std::min(photo.width, (x + 1) * scale);
      const int bottom = std::min(photo.height, (y + 1) * scale);
      const double pixels = static_cast<double>(right - x * scale) * (bottom - y * scale);
      for (std::size_t c = 0; c < 3; ++c) {
        double sum = 0;
        for (int j = y * scale; j < bottom; ++j) {
          for (int i = x * scale; i < right; ++i) sum += photo.row(j)[3 * static_cast<std::size_t>(i) + c];
        }
        cell.color[c] = double{static_cast<float>(sum / (255 * pixels))};
      }
      double sum = 0;
      for (int j = 0; j < down; ++j) {
        for (int i = 0; i < across; ++i) {
          sum += probability_at(map, (x * scale + (right - x * scale) * (i + 0.5) / across) / photo.width,
                                (y * scale + (bottom - y * scale) * (j + 0.5) / down) / photo.height);
        }
      }
      cell.probability = double{static_cast<float>(sum / (across * down))};
    }
  }

  ReferenceAlpha result;
  result.fewest_cells = static_cast<double>(width) * height;
  const auto for_window = [&](int x, int y, const auto& body) {
    double count = 0;
    for (int j = std::max(0, y - radius); j <= std::min(height - 1, y + radius); ++j) {
      for (int i = std::max(0, x - radius); i <= std::min(width - 1, x + radius); ++i, ++count) body(index(i, j));
    }
    return count;
  };

  std::vector<Line> lines(cells.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Cell mean;
      const double count = for_window(x, y, [&](std::size_t i) {
        for (std::size_t c = 0; c < 3; ++c) mean.color[c] += cells[i].color[c];
        mean.probability += cells[i].probability;
      });
      result.fewest_cells = std::min(result.fewest_cells, count);
      for (double& value : mean.color) value /= count;
      mean.probability /= count;
      std::array<std::array<double, 4>, 3> equations{};
      for_window(x, y, [&](std::size_t i) {
        for (std::size_t c = 0; c < 3; ++c) {
          const double difference = cells[i].color[c] - mean.color[c];
          for (std::size_t d = 0; d < 3; ++d)
            equations[c][d] += difference * (cells[i].color[d] - mean.color[d]) / count;
          equations[c][3] += difference * (cells[i].probability - mean.probability) / count;
        }
      });
      for (std::size_t c = 0; c < 3; ++c) equations[c][c] += double{filter.epsilon};
      Line& line = lines[index(x, y)];
      line.a = solve(equations);
      line.b = mean.probability;
      for (std::size_t c = 0; c < 3; ++c) line.b -= line.a[c] * mean.color[c];
      result.largest_line = std::max(
          result.largest_line, std::abs(line.a[0]) + std::abs(line.a[1]) + std::abs(line.a[2]) + std::abs(line.b));
    }
  }

  std::vector<Line> means(cells.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      Line& mean = means[index(x, y)];
      const double count = for_window(x, y, [&](std::size_t i) {
        for (std::size_t c = 0; c < 3; ++c) mean.a[c] += lines[i].a[c];
        mean.b += lines[i].b;
      });
      for (double& value : mean.a) value /= count;
      mean.b /= count;
    }
  }

  for (int y = 0; y < photo.height; ++y) {
    for (int x = 0; x < photo.width; ++x) {
      const double column = std::clamp((x + 0.5) / scale - 0.5, 0.0, static_cast<double>(width - 1));
      const double row = std::clamp((y + 0.5) / scale - 0.5, 0.0, static_cast<double>(height - 1));
      const int left = static_cast<int>(column);
      const int top = static_cast<int>(row);
      const int right = std::min(left + 1, width - 1);
      const int bottom = std::min(top + 1, height - 1);
      const auto line_at = [&](const auto& part) {
        const double above =
            (1 - (column - left)) * part(means[index(left, top)]) + (column - left) * part(means[index(right, top)]);
        const double below = (1 - (column - left)) * part(means[index(left, bottom)]) +
                             (column - left) * part(means[index(right, bottom)]);
        return (1 - (row - top)) * above + (row - top) * below;
      };
      double found = line_at([](const Line& line) { return line.b; });
      for (std::size_t c = 0; c < 3; ++c) {
        found += line_at([c](const Line& line) { return line.a[c]; }) *
                 (photo.row(y)[3 * static_cast<std::size_t>(x) + c] / 255.0);
      }
      const double low = double{filter.low};
      result.alpha.push_back(std::clamp((found - low) / (double{filter.high} - low), 0.0, 1.0));
    }
  }
  return result;
}

}  // namespace silhouette
