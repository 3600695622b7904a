#include "preprocess/resize_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace silhouette {
namespace {

constexpr int kLinearPrecision = 11;

struct LinearPosition {
  int index;
  float fraction;
};

LinearPosition linear_position(int inputs, int outputs, int output) {
  const double scale = static_cast<double>(inputs) / outputs;
  const auto position = static_cast<float>((output + 0.5) * scale - 0.5);
  const float index = std::floor(position);
  return {static_cast<int>(index), position - index};
}

std::int16_t linear_fixed(float weight) {
  return static_cast<std::int16_t>(std::lrint(weight * static_cast<float>(1 << kLinearPrecision)));
}

}  // namespace

AxisWeights antialias_weights(int inputs, int outputs) {
  const double scale = static_cast<double>(inputs) / outputs;
  const double support = std::max(scale, 1.0);
  const double inverse = scale >= 1.0 ? 1.0 / scale : 1.0;
  AxisWeights axis;
  const auto n = static_cast<std::size_t>(outputs);
  axis.first.resize(n);
  axis.count.resize(n);
  int most = 1;
  for (std::size_t i = 0; i < n; ++i) {
    const double centre = scale * (static_cast<double>(i) + 0.5);
    const int begin = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int end = std::min(static_cast<int>(centre + support + 0.5), inputs);
    axis.first[i] = begin;
    axis.count[i] = end - begin;
    most = std::max(most, end - begin);
  }
  axis.taps = (most + 3) / 4 * 4;
  const auto taps = static_cast<std::size_t>(axis.taps);
  std::vector<double> exact(n * taps, 0.0);
  double largest = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double centre = scale * (static_cast<double>(i) + 0.5);
    const auto count = static_cast<std::size_t>(axis.count[i]);
    double sum = 0.0;
    for (std::size_t k = 0; k < count; ++k) {
      const double distance = std::abs((static_cast<double>(k) + axis.first[i] - centre + 0.5) * inverse);
      exact[i * taps + k] = std::max(0.0, 1.0 - distance);
      sum += exact[i * taps + k];
    }
    for (std::size_t k = 0; k < count; ++k) {
      if (sum != 0.0) exact[i * taps + k] /= sum;
      largest = std::max(largest, exact[i * taps + k]);
    }
  }
  while (axis.precision < 22 && static_cast<int>(0.5 + largest * (1 << (axis.precision + 1))) < (1 << 15)) {
    ++axis.precision;
  }
  axis.weights.resize(n * taps);
  std::ranges::transform(exact, axis.weights.begin(), [&](double weight) {
    return static_cast<std::int16_t>(0.5 + weight * (1 << axis.precision));
  });
  return axis;
}

AxisWeights linear_weights(int inputs, int outputs) {
  AxisWeights axis;
  axis.taps = 4;
  axis.precision = kLinearPrecision;
  const auto n = static_cast<std::size_t>(outputs);
  axis.first.resize(n);
  axis.count.resize(n);
  axis.weights.resize(n * 4, 0);
  for (int i = 0; i < outputs; ++i) {
    auto [index, fraction] = linear_position(inputs, outputs, i);
    if (index < 0 || index >= inputs - 1) {
      index = std::clamp(index, 0, inputs - 1);
      fraction = 0.0F;
    }
    const auto at = static_cast<std::size_t>(i);
    axis.first[at] = index;
    axis.count[at] = index + 1 < inputs ? 2 : 1;
    axis.weights[at * 4] = linear_fixed(1.0F - fraction);
    axis.weights[at * 4 + 1] = linear_fixed(fraction);
  }
  return axis;
}

std::vector<LinearRows> linear_rows(int inputs, int outputs) {
  std::vector<LinearRows> rows(static_cast<std::size_t>(outputs));
  for (int i = 0; i < outputs; ++i) {
    const auto [index, fraction] = linear_position(inputs, outputs, i);
    rows[static_cast<std::size_t>(i)] = {
        .row = {std::clamp(index, 0, inputs - 1), std::clamp(index + 1, 0, inputs - 1)},
        .weight = {linear_fixed(1.0F - fraction), linear_fixed(fraction)}};
  }
  return rows;
}

}  // namespace silhouette
