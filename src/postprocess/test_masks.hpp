#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "silhouette/shapes.hpp"

namespace silhouette::test {

/// A mask as tests write and compare it: a class map whose set pixels are `kSetClass`, others various classes.
struct Mask {
  static constexpr std::int32_t kSetClass = 7;

  int width = 0;
  int height = 0;
  std::vector<std::int32_t> classes;

  Mask(int w, int h) : width(w), height(h), classes(static_cast<std::size_t>(w) * static_cast<std::size_t>(h)) {}

  /// '#' is set; all rows are as long.
  explicit Mask(const std::vector<std::string>& rows)
      : Mask(static_cast<int>(rows.front().size()), static_cast<int>(rows.size())) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) set(x, y, rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] == '#');
    }
  }

  [[nodiscard]] std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
  }
  [[nodiscard]] bool at(int x, int y) const { return classes[index(x, y)] == kSetClass; }
  void set(int x, int y, bool value) {
    classes[index(x, y)] = value ? kSetClass : (x + y) % 3 == 0 ? 0 : kSetClass + 1;
  }

  [[nodiscard]] std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> values;
    for (const std::int32_t c : classes) values.push_back(c == kSetClass ? 1 : 0);
    return values;
  }
  [[nodiscard]] std::int64_t area() const {
    std::int64_t sum = 0;
    for (const std::int32_t c : classes) sum += c == kSetClass ? 1 : 0;
    return sum;
  }
};

/// Every pixel set with probability `share`.
inline Mask noise_mask(std::mt19937_64& random, int width, int height, double share) {
  Mask mask(width, height);
  std::bernoulli_distribution set(share);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) mask.set(x, y, set(random));
  }
  return mask;
}

/// Rectangles set and cleared one over the other: long edges, holes, islands, touching corners.
inline Mask box_mask(std::mt19937_64& random, int width, int height, int boxes) {
  Mask mask(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) mask.set(x, y, false);
  }
  for (int i = 0; i < boxes; ++i) {
    const int left = std::uniform_int_distribution(0, width - 1)(random);
    const int top = std::uniform_int_distribution(0, height - 1)(random);
    const int right = std::uniform_int_distribution(left, width - 1)(random);
    const int bottom = std::uniform_int_distribution(top, height - 1)(random);
    const bool value = std::bernoulli_distribution(0.6)(random);
    for (int y = top; y <= bottom; ++y) {
      for (int x = left; x <= right; ++x) mask.set(x, y, value);
    }
  }
  return mask;
}

}  // namespace silhouette::test
