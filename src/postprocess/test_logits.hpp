#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "hwy/targets.h"
#include "postprocess/postprocess.hpp"
#include "postprocess/reference.hpp"

namespace silhouette::test {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr double kEpsilon = 0x1p-24;

struct Logits {
  std::vector<float> values;
  int channels;
  int height;
  int width;
  std::optional<Upsampling> pending;

  Logits(int c, int h, int w, float value = 0)
      : values(static_cast<std::size_t>(c) * static_cast<std::size_t>(h) * static_cast<std::size_t>(w), value),
        channels(c),
        height(h),
        width(w) {}

  static Logits random(int c, int h, int w, std::mt19937_64& random, float low = -8, float high = 8) {
    Logits logits(c, h, w);
    std::uniform_real_distribution<float> uniform(low, high);
    for (float& value : logits.values) value = uniform(random);
    return logits;
  }

  float& at(int c, int y, int x) {
    return values[(static_cast<std::size_t>(c) * static_cast<std::size_t>(height) + static_cast<std::size_t>(y)) *
                      static_cast<std::size_t>(width) +
                  static_cast<std::size_t>(x)];
  }
  [[nodiscard]] LogitsView view() const { return {values, channels, height, width, pending}; }
};

/// Runs the body once for every instruction set that was compiled and that this machine has.
template <typename Body>
void for_each_target(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

inline ClassMaps maps_of(const Logits& logits, int width, int height, std::span<const int> classes, int threads = 1) {
  ThreadPool pool(threads);
  auto maps = make_class_maps(logits.view(), width, height, classes, pool, {});
  EXPECT_TRUE(maps) << maps.error().message;
  return std::move(*maps);
}

inline double magnitude_of(const Logits& logits) {
  double magnitude = 0;
  for (const float value : logits.values) magnitude = std::max(magnitude, std::abs(double{value}));
  return magnitude;
}

/// Bound on the rounding of an interpolated logit: 10 ε M for each interpolation (see class_maps_simd.hpp), of which
/// one that is pending is a second.
inline double value_error_of(const Logits& logits) {
  return (logits.pending ? 20 : 10) * kEpsilon * magnitude_of(logits);
}

/// Bound on a probability's error where logits err by `value_error`: its relative error is that of exp, of its
/// argument, and of the same in the sum of as many terms as there are channels.
inline double probability_error_of(const Logits& logits, double value_error) {
  return 2 * (value_error + 4 * kEpsilon * magnitude_of(logits) + 3e-7) + (logits.channels + 4) * kEpsilon;
}

/// By how much the first of two classes leads the second; of a single channel, how far it is from between them.
inline double lead_of(const Logits& logits, const std::vector<double>& values, std::int32_t first,
                      std::int32_t second) {
  if (logits.channels == 1) return std::abs(values[0] - 0.5);
  return values[static_cast<std::size_t>(first)] - values[static_cast<std::size_t>(second)];
}

/// Two values may err towards each other, so a class may win that is up to twice the error behind.
inline void expect_equals_reference(const Logits& logits, int width, int height, std::span<const int> classes,
                                    int threads) {
  const Upsampling pending = logits.pending.value_or(Upsampling{});
  SCOPED_TRACE(fmt::format("{}×{}×{} pending {}×{} {} to {}×{}, {} classes of interest, {} threads", logits.channels,
                           logits.height, logits.width, pending.height, pending.width, pending.aligned_corners, height,
                           width, classes.size(), threads));
  const ClassMaps maps = maps_of(logits, width, height, classes, threads);
  const ReferenceMaps expected = reference_class_maps(logits.view(), width, height, classes);
  const double value_error = value_error_of(logits);
  const double probability_error = probability_error_of(logits, value_error);

  ASSERT_EQ(maps.width, width);
  ASSERT_EQ(maps.height, height);
  ASSERT_EQ(maps.argmax.size(), expected.argmax.size());
  ASSERT_EQ(maps.probabilities.size(), classes.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const std::size_t i = static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
      const std::int32_t winner = maps.argmax[i];
      if (winner != expected.argmax[i]) {
        ASSERT_GE(winner, 0);
        ASSERT_LT(winner, std::max(2, logits.channels));
        const auto values = reference_logits(logits.view(), width, height, x, y);
        const double lead = lead_of(logits, values, expected.argmax[i], winner);
        ASSERT_LE(lead, 2 * value_error) << "class " << winner << " instead of " << expected.argmax[i] << " at " << x
                                         << ", " << y;
      }
      for (std::size_t k = 0; k < classes.size(); ++k) {
        ASSERT_NEAR(maps.probabilities[k][i], expected.probabilities[k][i], probability_error)
            << "class " << classes[k] << " at " << x << ", " << y;
        ASSERT_GE(maps.probabilities[k][i], 0.0F);
        ASSERT_LE(maps.probabilities[k][i], 1.0F);
      }
    }
  }
}

template <typename T>
bool same_bytes(const AlignedBuffer<T>& a, const AlignedBuffer<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace silhouette::test
