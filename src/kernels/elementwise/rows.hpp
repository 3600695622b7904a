// Included by the file of each instruction set.
#pragma once

#include "kernels/epilogue.hpp"

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

inline void binary(const BinaryRow& row) {
  switch (row.op) {
    case Binary::kAdd: return binary_loop(row, [](Vec a, Vec b) { return a + b; });
    case Binary::kSubtract: return binary_loop(row, [](Vec a, Vec b) { return a - b; });
    case Binary::kMultiply: return binary_loop(row, [](Vec a, Vec b) { return a * b; });
    case Binary::kDivide: return binary_loop(row, [](Vec a, Vec b) { return a / b; });
    case Binary::kMaximum: return binary_loop(row, [](Vec a, Vec b) { return max(a, b); });
    case Binary::kMinimum: return binary_loop(row, [](Vec a, Vec b) { return min(a, b); });
    case Binary::kPrelu: return binary_loop(row, [](Vec a, Vec b) { return a < 0.0F ? a * b : a; });
  }
}

template <typename Change>
void unary_loop(const UnaryRow& row, Change change) {
  const Finisher finisher(row.epilogue);
  for (std::size_t i = 0; i < row.pixels * kBlock; i += kLanes) {
    store(row.output + i, finisher(change(load(row.a + i))));
  }
}

inline void unary(const UnaryRow& row) {
  const float parameter = row.parameter;
  switch (row.op) {
    case Unary::kClamp: return unary_loop(row, [](Vec a) { return a; });
    case Unary::kHardswish: return unary_loop(row, [](Vec a) { return a * hardsigmoid(a); });
    case Unary::kSigmoid: return unary_loop(row, [](Vec a) { return sigmoid(a); });
    case Unary::kLeakyRelu: return unary_loop(row, [parameter](Vec a) { return a < 0.0F ? a * parameter : a; });
    case Unary::kAbs: return unary_loop(row, [](Vec a) { return max(a, -a); });
    case Unary::kNegate: return unary_loop(row, [](Vec a) { return -a; });
    case Unary::kSquare: return unary_loop(row, [](Vec a) { return a * a; });
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
    store(output + i, fa * load(a + i) + fb * load(b + i) + fc * load(c + i));
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
