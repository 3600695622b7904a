#include "postprocess/reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace silhouette {
namespace {

struct Sample {
  int index;
  int next;
  double weight;
};

float source_position(int position, int input, int output, bool aligned_corners) {
  if (aligned_corners) {
    const float scale = output > 1 ? static_cast<float>(input - 1) / static_cast<float>(output - 1) : 0.0F;
    return scale * static_cast<float>(position);
  }
  const float scale = static_cast<float>(input) / static_cast<float>(output);
  return std::max(0.0F, scale * (static_cast<float>(position) + 0.5F) - 0.5F);
}

Sample sample_at(int position, int input, int output, bool aligned_corners) {
  if (input == output) return {position, position, 0.0};
  const float source = source_position(position, input, output, aligned_corners);
  const int index = std::min(static_cast<int>(std::floor(source)), input - 1);
  const float weight = std::min(std::max(source - static_cast<float>(index), 0.0F), 1.0F);
  return {index, std::min(index + 1, input - 1), double{weight}};
}

double finite_value(float value, double low, double high) {
  return std::isnan(value) ? low : std::clamp(double{value}, low, high);
}

/// `at`: (y, x) → value of the source.
template <class At>
double interpolated(const Sample& row, const Sample& column, const At& at) {
  const double top = (1 - column.weight) * at(row.index, column.index) + column.weight * at(row.index, column.next);
  const double bottom = (1 - column.weight) * at(row.next, column.index) + column.weight * at(row.next, column.next);
  return (1 - row.weight) * top + row.weight * bottom;
}

}  // namespace

std::vector<double> reference_logits(const LogitsView& logits, int width, int height, int x, int y) {
  const Upsampling size = logits.pending.value_or(Upsampling{logits.height, logits.width});
  const Sample row = sample_at(y, size.height, height, false);
  const Sample column = sample_at(x, size.width, width, false);
  const double low = logits.channels == 1 ? 0.0 : -1e30;
  const double high = logits.channels == 1 ? 1.0 : 1e30;
  std::vector<double> values;
  for (int c = 0; c < logits.channels; ++c) {
    const auto at = [&](int source_y, int source_x) {
      const auto plane = static_cast<std::size_t>(c) * static_cast<std::size_t>(logits.height);
      const auto line = (plane + static_cast<std::size_t>(source_y)) * static_cast<std::size_t>(logits.width);
      return finite_value(logits.values[line + static_cast<std::size_t>(source_x)], low, high);
    };
    const auto upsampled_at = [&](int upsampled_y, int upsampled_x) {
      return interpolated(sample_at(upsampled_y, logits.height, size.height, size.aligned_corners),
                          sample_at(upsampled_x, logits.width, size.width, size.aligned_corners), at);
    };
    values.push_back(logits.pending ? interpolated(row, column, upsampled_at) : interpolated(row, column, at));
  }
  return values;
}

ReferenceMaps reference_class_maps(const LogitsView& logits, int width, int height, std::span<const int> classes) {
  ReferenceMaps maps;
  maps.probabilities.resize(classes.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::vector<double> values = reference_logits(logits, width, height, x, y);
      if (logits.channels == 1) {
        maps.argmax.push_back(values[0] > 0.5 ? 1 : 0);
        for (std::size_t k = 0; k < classes.size(); ++k) {
          maps.probabilities[k].push_back(classes[k] == 1 ? values[0] : 1 - values[0]);
        }
        continue;
      }
      const auto best = std::ranges::max_element(values);
      maps.argmax.push_back(static_cast<std::int32_t>(best - values.begin()));
      const double largest = *best;
      double sum = 0;
      for (const double value : values) sum += std::exp(value - largest);
      for (std::size_t k = 0; k < classes.size(); ++k) {
        maps.probabilities[k].push_back(std::exp(values[static_cast<std::size_t>(classes[k])] - largest) / sum);
      }
    }
  }
  return maps;
}

}  // namespace silhouette
