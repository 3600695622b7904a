// What tests of kernels share. Expected results are computed in plain scalar code in double precision, each with a
// bound of what fp32 may make of it: sums of n terms in any order are off by at most n rounding errors of the sum of
// their magnitudes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <new>
#include <random>
#include <vector>

#include "kernels/kernels.hpp"

namespace silhouette::kernels::test {

inline constexpr double kRounding = 0x1p-24;
inline constexpr float kUntouched = -12345.0F;
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Exactly as many values as a kernel may touch, at an aligned address or `offset` floats behind one, so that the
/// address sanitizer sees those beyond.
class Floats {
 public:
  explicit Floats(std::size_t count, float value = kUntouched, std::size_t offset = 0)
      : values_(count + offset, value), offset_(offset) {}
  Floats(std::size_t count, std::mt19937_64& random, std::size_t offset = 0, float low = -1, float high = 1)
      : Floats(count, 0, offset) {
    std::uniform_real_distribution<float> value(low, high);
    for (std::size_t i = 0; i < count; ++i) data()[i] = value(random);
  }
  float* data() { return values_.data() + offset_; }
  float& operator[](std::size_t i) { return data()[i]; }
  float operator[](std::size_t i) const { return values_[offset_ + i]; }
  [[nodiscard]] std::size_t size() const { return values_.size() - offset_; }

 private:
  template <typename T>
  struct Aligned {
    using value_type = T;
    Aligned() = default;
    template <typename U>
    explicit Aligned(const Aligned<U>& /*other*/) {}
    static constexpr std::align_val_t kAlignment{64};
    T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kAlignment)); }
    void deallocate(T* p, std::size_t /*n*/) { ::operator delete(p, kAlignment); }
    bool operator==(const Aligned&) const = default;
  };
  std::vector<float, Aligned<float>> values_;
  std::size_t offset_;
};

/// A result, and how far off it may be.
struct Expected {
  double value = 0;
  double error = 0;
};

/// A sum that knows the bound of its error.
class Sum {
 public:
  void add(double term) {
    value_ += term;
    magnitude_ += std::abs(term);
    ++terms_;
  }
  void add(double a, double b) { add(a * b); }
  [[nodiscard]] Expected expected() const { return {value_, (terms_ + 2) * kRounding * magnitude_}; }

 private:
  double value_ = 0;
  double magnitude_ = 0;
  double terms_ = 0;
};

/// Functions are good to some rounding errors of results up to 1, and pass on no more of what they are given than their
/// steepest slope.
inline Expected finished(Expected x, const Epilogue& epilogue) {
  constexpr double kFunction = 16 * kRounding;
  const double share = std::clamp(x.value / 6 + 0.5, 0.0, 1.0);
  switch (epilogue.function) {
    case Function::kNone: break;
    case Function::kHardsigmoid: x = {share, x.error / 6 + kFunction}; break;
    case Function::kHardswish: x = {x.value * share, x.error * 1.5 + kFunction * std::abs(x.value)}; break;
    case Function::kSigmoid: x = {1 / (1 + std::exp(-x.value)), x.error / 4 + kFunction}; break;
  }
  return {std::min(static_cast<double>(epilogue.max), std::max(static_cast<double>(epilogue.min), x.value)), x.error};
}

inline constexpr std::array kEpilogues{Epilogue{Function::kNone, -kInfinity, kInfinity},
                                       Epilogue{Function::kNone, 0, kInfinity},
                                       Epilogue{Function::kNone, -0.25F, 0.5F},
                                       Epilogue{Function::kHardswish, -kInfinity, kInfinity},
                                       Epilogue{Function::kHardsigmoid, -kInfinity, 0.75F},
                                       Epilogue{Function::kSigmoid, 0.25F, kInfinity}};

/// Whether it is near enough; NaN never is.
inline ::testing::AssertionResult near(float actual, const Expected& expected) {
  if (static_cast<double>(actual) == expected.value) return ::testing::AssertionSuccess();
  const double error = std::abs(static_cast<double>(actual) - expected.value);
  if (error <= expected.error + kRounding * std::abs(expected.value)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << actual << " instead of " << expected.value << " ± " << expected.error;
}

/// Draws what a test sweeps at random.
class Picker {
 public:
  explicit Picker(std::uint64_t seed) : random_(seed) {}
  /// In [low, high].
  template <typename T>
  T pick(T low, T high) {
    return std::uniform_int_distribution<T>(low, high)(random_);
  }
  bool coin() { return pick(0, 1) == 1; }
  const Epilogue& epilogue() { return kEpilogues[pick<std::size_t>(0, kEpilogues.size() - 1)]; }
  std::mt19937_64& random() { return random_; }

 private:
  std::mt19937_64 random_;
};

// A test for each member of Kernels, by its name. Kinds of kernels share files.
void test_packed(const Kernels& kernels, Picker& picker);
void test_strided(const Kernels& kernels, Picker& picker);
void test_general(const Kernels& kernels, Picker& picker);
void test_depthwise(const Kernels& kernels, Picker& picker);
void test_pool(const Kernels& kernels, Picker& picker);
void test_average(const Kernels& kernels, Picker& picker);
void test_binary(const Kernels& kernels, Picker& picker);
void test_binary_values(const Kernels& kernels, Picker& picker);
void test_unary_values(const Kernels& kernels, Picker& picker);
void test_softmax_pixels(const Kernels& kernels, Picker& picker);
void test_softmax_values(const Kernels& kernels, Picker& picker);
void test_combine(const Kernels& kernels, Picker& picker);
void test_strassen_sums(const Kernels& kernels, Picker& picker);
void test_resize(const Kernels& kernels, Picker& picker);
void test_resize_planes(const Kernels& kernels, Picker& picker);
void test_to_planes(const Kernels& kernels, Picker& picker);
void test_transpose_matrix(const Kernels& kernels, Picker& picker);
void test_winograd(const Kernels& kernels, Picker& picker);

}  // namespace silhouette::kernels::test
