// Included by the file of each instruction set.
#pragma once

#include "kernels/elementwise/functions.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

template <typename Combine>
void binary_loop(const BinaryRow& row, Combine combine) {
  const Finisher finisher(row.epilogue);
  const float* a = row.a;
  const float* b = row.b;
  float* output = row.output;
  for (std::size_t i = 0; i < row.pixels; ++i, a += row.a_stride, b += row.b_stride, output += kBlock) {
#pragma GCC unroll 4
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
      store(output + lane, finisher(combine(load(a + lane), load(b + lane))));
    }
  }
}

/// Calls `loop` with what combines two vectors.
template <typename Loop>
[[gnu::always_inline]] inline void with_binary(Binary op, Loop loop) {
  switch (op) {
    case Binary::kAdd: return loop([](Vec a, Vec b) { return a + b; });
    case Binary::kSubtract: return loop([](Vec a, Vec b) { return a - b; });
    case Binary::kMultiply: return loop([](Vec a, Vec b) { return a * b; });
    case Binary::kDivide: return loop([](Vec a, Vec b) { return a / b; });
    case Binary::kMaximum: return loop([](Vec a, Vec b) { return max(a, b); });
    case Binary::kMinimum: return loop([](Vec a, Vec b) { return min(a, b); });
    case Binary::kPrelu: return loop([](Vec a, Vec b) { return a < 0.0F ? a * b : a; });
  }
}

inline void binary(const BinaryRow& row) {
  with_binary(row.op, [&row](auto combine) { binary_loop(row, combine); });
}

template <typename Combine>
void binary_values_loop(const BinaryValues& values, Combine combine) {
  const Finisher finisher(values.epilogue);
  // One value for all is as good as a vector of it that isn't left.
  const Vec a_value = splat(*values.a);
  const Vec b_value = splat(*values.b);
  float a_values[kLanes];
  float b_values[kLanes];
  store_anywhere(a_values, a_value);
  store_anywhere(b_values, b_value);
  const float* a = values.a_step == 0 ? a_values : values.a;
  const float* b = values.b_step == 0 ? b_values : values.b;
  const std::size_t a_step = values.a_step * kLanes;
  const std::size_t b_step = values.b_step * kLanes;
  std::size_t i = 0;
  for (; i + kLanes <= values.count; i += kLanes, a += a_step, b += b_step) {
    store_anywhere(values.output + i, finisher(combine(load_anywhere(a), load_anywhere(b))));
  }
  const std::size_t rest = values.count - i;
  if (rest == 0) return;
  const Vec result = combine(load_some(a, rest, a_value), load_some(b, rest, b_value));
  store_some(values.output + i, rest, finisher(result));
}

inline void binary_values(const BinaryValues& values) {
  with_binary(values.op, [&values](auto combine) { binary_values_loop(values, combine); });
}

template <typename Change>
void unary_loop(const UnaryValues& values, Change change) {
  const Finisher finisher(values.epilogue);
  std::size_t i = 0;
  for (; i + kLanes <= values.count; i += kLanes) {
    store_anywhere(values.output + i, finisher(change(load_anywhere(values.a + i))));
  }
  const std::size_t rest = values.count - i;
  if (rest > 0) store_some(values.output + i, rest, finisher(change(load_some(values.a + i, rest, splat(1)))));
}

inline void unary_values(const UnaryValues& values) {
  const float parameter = values.parameter;
  switch (values.op) {
    case Unary::kClamp: return unary_loop(values, [](Vec a) { return a; });
    case Unary::kAbs: return unary_loop(values, [](Vec a) { return max(a, -a); });
    case Unary::kCeiling: return unary_loop(values, [](Vec a) { return -floor(-a); });
    case Unary::kElu: return unary_loop(values, [parameter](Vec a) { return a < 0.0F ? parameter * expm1(a) : a; });
    case Unary::kExp: return unary_loop(values, [](Vec a) { return exp(a); });
    case Unary::kFloor: return unary_loop(values, [](Vec a) { return floor(a); });
    case Unary::kGelu: return unary_loop(values, [](Vec a) { return gelu(a); });
    case Unary::kHardswish: return unary_loop(values, [](Vec a) { return a * hardsigmoid(a); });
    case Unary::kLeakyRelu: return unary_loop(values, [parameter](Vec a) { return a < 0.0F ? a * parameter : a; });
    case Unary::kLog: return unary_loop(values, [](Vec a) { return log(a); });
    case Unary::kNegate: return unary_loop(values, [](Vec a) { return -a; });
    case Unary::kReciprocalSquareRoot: return unary_loop(values, [](Vec a) { return 1.0F / square_root(a); });
    case Unary::kSigmoid: return unary_loop(values, [](Vec a) { return sigmoid(a); });
    case Unary::kSquare: return unary_loop(values, [](Vec a) { return a * a; });
    case Unary::kSquareRoot: return unary_loop(values, [](Vec a) { return square_root(a); });
    case Unary::kTanh: return unary_loop(values, [](Vec a) { return tanh(a); });
  }
}

inline void combine(const float* const* inputs, const float* factors, float* output, std::size_t count) {
  const float* const a = inputs[0];
  const float* const b = inputs[1];
  const float* const c = inputs[2];
  const Vec fa = splat(factors[0]);
  const Vec fb = splat(factors[1]);
  const Vec fc = splat(factors[2]);
  for (std::size_t i = 0; i < count; i += kLanes) {
    store(output + i, multiply_add(fc, load(c + i), multiply_add(fb, load(b + i), fa * load(a + i))));
  }
}

inline void strassen_sums(const StrassenSums& s) {
  for (std::size_t i = 0; i < s.count; i += kLanes) {
    const Vec a11 = load(s.a11 + i);
    const Vec a21 = load(s.a21 + i);
    const Vec s1 = a21 + load(s.a22 + i);
    const Vec s2 = s1 - a11;
    store(s.s1 + i, s1);
    store(s.s2 + i, s2);
    store(s.s3 + i, a11 - a21);
    store(s.s4 + i, load(s.a12 + i) - s2);
  }
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
