// Included by the file of each instruction set.
#pragma once

#include <utility>

#include "kernels/epilogue.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

// Transforms of S. Winograd's minimal filtering algorithms F(m, 3) (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2015) at the points 0, a, −a, ∞, b, −b, in this order. F(2, 3) and F(3, 3) use the first four and
// five of them, scaled so that all three share the transformed weights. The short ones are products with a tridiagonal
// Toeplitz matrix, for lines of 1, 2, 3 pixels between zeros.

inline constexpr float kA = kPointA;
inline constexpr float kB = kPointB;
inline constexpr float kA2 = kA * kA;
inline constexpr float kB2 = kB * kB;

struct F4 {
  static constexpr std::size_t kInputs = 6;
  static constexpr std::size_t kProducts = 6;
  static constexpr std::size_t kOutputs = 4;
  [[gnu::always_inline]] static void input(const Vec (&x)[6], Vec (&y)[6]) {
    const Vec a = multiply_add(-kB2, x[2], x[4]);
    const Vec b = kA * multiply_add(-kB2, x[1], x[3]);
    const Vec c = multiply_add(-kA2, x[2], x[4]);
    const Vec d = kB * multiply_add(-kA2, x[1], x[3]);
    y[0] = multiply_add(kA2 * kB2, x[0], multiply_add(-(kA2 + kB2), x[2], x[4]));
    y[1] = a + b;
    y[2] = a - b;
    y[3] = multiply_add(kA2 * kB2, x[1], multiply_add(-(kA2 + kB2), x[3], x[5]));
    y[4] = c + d;
    y[5] = c - d;
  }
  [[gnu::always_inline]] static void output(const Vec (&x)[6], Vec (&y)[4]) {
    const Vec a = x[1] + x[2];
    const Vec b = x[1] - x[2];
    const Vec c = x[4] + x[5];
    const Vec d = x[4] - x[5];
    y[0] = x[0] + a + c;
    y[1] = multiply_add(kB, d, kA * b);
    y[2] = multiply_add(kB2, c, kA2 * a);
    y[3] = multiply_add(kB * kB2, d, multiply_add(kA * kA2, b, x[3]));
  }
};

struct F3 {
  static constexpr std::size_t kInputs = 5;
  static constexpr std::size_t kProducts = 5;
  static constexpr std::size_t kOutputs = 3;
  [[gnu::always_inline]] static void input(const Vec (&x)[5], Vec (&y)[5]) {
    const Vec a = multiply_add(-kA2, x[1], x[3]);
    y[0] = multiply_add(-kB2, multiply_add(-kA2, x[0], x[2]), kB * a);
    y[1] = (kA + kB) * multiply_add(-(kA * kB), x[1], multiply_add(-(kB - kA), x[2], x[3]));
    y[2] = (kB - kA) * multiply_add(kA * kB, x[1], multiply_add(-(kA + kB), x[2], x[3]));
    y[3] = multiply_add(-kB, a, multiply_add(-kA2, x[2], x[4]));
    y[4] = 2 * kB * a;
  }
  [[gnu::always_inline]] static void output(const Vec (&x)[5], Vec (&y)[3]) {
    const Vec a = x[1] + x[2];
    y[0] = x[0] + a + x[4];
    y[1] = multiply_add(kB, x[4], kA * (x[1] - x[2]));
    y[2] = multiply_add(kB2, x[4], multiply_add(kA2, a, x[3]));
  }
};

struct F2 {
  static constexpr std::size_t kInputs = 4;
  static constexpr std::size_t kProducts = 4;
  static constexpr std::size_t kOutputs = 2;
  [[gnu::always_inline]] static void input(const Vec (&x)[4], Vec (&y)[4]) {
    const Vec a = kA * x[1];
    y[0] = kB2 * multiply_add(kA2, x[0], -x[2]);
    y[1] = (kA2 - kB2) * (x[2] + a);
    y[2] = (kA2 - kB2) * (x[2] - a);
    y[3] = multiply_add(-kA2, x[1], x[3]);
  }
  [[gnu::always_inline]] static void output(const Vec (&x)[4], Vec (&y)[2]) {
    y[0] = x[0] + x[1] + x[2];
    y[1] = multiply_add(kA, x[1] - x[2], x[3]);
  }
};

// Weights w0, w1, w2 → w1, w2 − w1, w0 − w1.
struct Short1 {
  static constexpr std::size_t kInputs = 1;
  static constexpr std::size_t kProducts = 1;
  static constexpr std::size_t kOutputs = 1;
  [[gnu::always_inline]] static void input(const Vec (&x)[1], Vec (&y)[1]) { y[0] = x[0]; }
  [[gnu::always_inline]] static void output(const Vec (&x)[1], Vec (&y)[1]) { y[0] = x[0]; }
};

struct Short2 {
  static constexpr std::size_t kInputs = 2;
  static constexpr std::size_t kProducts = 3;
  static constexpr std::size_t kOutputs = 2;
  [[gnu::always_inline]] static void input(const Vec (&x)[2], Vec (&y)[3]) {
    y[0] = x[0] + x[1];
    y[1] = x[1];
    y[2] = x[0];
  }
  [[gnu::always_inline]] static void output(const Vec (&x)[3], Vec (&y)[2]) {
    y[0] = x[0] + x[1];
    y[1] = x[0] + x[2];
  }
};

struct Short3 {
  static constexpr std::size_t kInputs = 3;
  static constexpr std::size_t kProducts = 7;
  static constexpr std::size_t kOutputs = 3;
  [[gnu::always_inline]] static void input(const Vec (&x)[3], Vec (&y)[7]) {
    y[0] = x[0] + x[1];
    y[1] = y[0] + x[2];
    y[2] = x[1] + x[2];
    y[3] = x[1];
    y[4] = x[2];
    y[5] = x[0];
    y[6] = x[1];
  }
  [[gnu::always_inline]] static void output(const Vec (&x)[7], Vec (&y)[3]) {
    y[0] = x[0] + x[3];
    y[1] = x[1] + x[4] + x[5];
    y[2] = x[2] + x[6];
  }
};

// The products with w1 and those with w0 − w1 need no more than two sums each if the others' weight is w2 − w1 / 2:
// what w1 is multiplied with has then rank 2. Lines of two pixels would need w2 − w1.
struct Short3BySix {
  static constexpr std::size_t kInputs = 3;
  static constexpr std::size_t kProducts = 6;
  static constexpr std::size_t kOutputs = 3;
  [[gnu::always_inline]] static void input(const Vec (&x)[3], Vec (&y)[6]) {
    y[0] = multiply_add(0.5F, x[1], x[0]);
    y[1] = x[1] + x[2];
    y[2] = x[0];
    y[3] = x[1];
    y[4] = x[1];
    y[5] = x[2];
  }
  [[gnu::always_inline]] static void output(const Vec (&x)[6], Vec (&y)[3]) {
    y[0] = x[0] + x[4];
    y[1] = multiply_add(0.5F, x[1], x[0]) + x[2] + x[5];
    y[2] = x[1] + x[3];
  }
};

template <typename Type>
void line_input(const LineTransform& t) {
  const float* in[Type::kInputs];
  float* out[Type::kProducts];
  for (std::size_t i = 0; i < Type::kInputs; ++i) in[i] = t.inputs[i];
  for (std::size_t i = 0; i < Type::kProducts; ++i) out[i] = t.outputs[i];
  const std::ptrdiff_t input_step = t.input_step;
  const std::ptrdiff_t output_step = t.output_step;
  for (std::size_t pixel = 0; pixel < t.pixels; ++pixel) {
    const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(pixel) * input_step;
    const std::ptrdiff_t to = static_cast<std::ptrdiff_t>(pixel) * output_step;
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
      Vec x[Type::kInputs];
      Vec y[Type::kProducts];
#pragma GCC unroll 8
      for (std::size_t i = 0; i < Type::kInputs; ++i) x[i] = load(in[i] + from + lane);
      Type::input(x, y);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < Type::kProducts; ++i) store(out[i] + to + lane, y[i]);
    }
  }
}

template <typename Type, bool kFinish>
void line_output_loop(const LineTransform& t) {
  const float* in[Type::kProducts];
  float* out[Type::kOutputs];
  for (std::size_t i = 0; i < Type::kProducts; ++i) in[i] = t.inputs[i];
  for (std::size_t i = 0; i < Type::kOutputs; ++i) out[i] = t.outputs[i];
  const std::ptrdiff_t input_step = t.input_step;
  const std::ptrdiff_t output_step = t.output_step;
  const Finisher finisher(t.epilogue);
  for (std::size_t pixel = 0; pixel < t.pixels; ++pixel) {
    const std::ptrdiff_t from = static_cast<std::ptrdiff_t>(pixel) * input_step;
    const std::ptrdiff_t to = static_cast<std::ptrdiff_t>(pixel) * output_step;
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
      Vec x[Type::kProducts];
      Vec y[Type::kOutputs];
#pragma GCC unroll 8
      for (std::size_t i = 0; i < Type::kProducts; ++i) x[i] = load(in[i] + from + lane);
      Type::output(x, y);
      if constexpr (kFinish) {
        const Vec bias = load(t.bias + lane);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < Type::kOutputs; ++i) {
          float* const place = out[i] + to + lane;
          y[i] += bias;
          if (t.addend != 0) y[i] += load(place + t.addend);
          store(place, finisher(y[i]));
        }
      } else {
#pragma GCC unroll 8
        for (std::size_t i = 0; i < Type::kOutputs; ++i) store(out[i] + to + lane, y[i]);
      }
    }
  }
}

template <typename Type>
void line_output(const LineTransform& t) {
  if (t.bias != nullptr) {
    line_output_loop<Type, true>(t);
  } else {
    line_output_loop<Type, false>(t);
  }
}

template <typename Type>
constexpr void fill_line(Kernels& kernels, LineType type) noexcept {
  kernels.winograd_input[static_cast<std::size_t>(type)] = line_input<Type>;
  kernels.winograd_output[static_cast<std::size_t>(type)] = line_output<Type>;
}

constexpr void fill_lines(Kernels& kernels) noexcept {
  fill_line<F4>(kernels, LineType::kF4);
  fill_line<F3>(kernels, LineType::kF3);
  fill_line<F2>(kernels, LineType::kF2);
  fill_line<Short1>(kernels, LineType::kShort1);
  fill_line<Short2>(kernels, LineType::kShort2);
  fill_line<Short3>(kernels, LineType::kShort3);
  fill_line<Short3BySix>(kernels, LineType::kShort3BySix);
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
