// Included by the file of each instruction set. All are good to some 1e-7 of their result, but where noted; NaN stays
// NaN. The polynomials are those of Cephes by S. Moshier.
#pragma once

#include "kernels/epilogue.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

/// e^x; 0 below −86.6, where it is smaller than 3e-38.
[[gnu::always_inline]] inline Vec exp(Vec x) {
  // In this order of operands NaN stays NaN.
  const Power power = exp_parts(min(splat(88.7228F), max(splat(-86.6F), x)));
  // Twice a half: 2^128 is no float.
  const Vec inside = (power.factor + power.factor) * power_of_two(power.exponent - 1);
  return x > 88.7228F ? splat(__builtin_inff()) : (x < -86.6F ? splat(0) : inside);
}

/// e^x − 1 for x ≤ 0.
[[gnu::always_inline]] inline Vec expm1(Vec x) {
  return x > -0.34F ? small_expm1(x) : exp(x) - 1.0F;
}

[[gnu::always_inline]] inline Vec tanh(Vec x) {
  const Vec size = max(-x, x);
  const Vec far = 1.0F - 2.0F / (exp(size + size) + 1.0F);
  const Vec square = x * x;
  Vec p = splat(-5.70498872745e-3F);
  p = multiply_add(p, square, 2.06390887954e-2F);
  p = multiply_add(p, square, -5.37397155531e-2F);
  p = multiply_add(p, square, 1.33314422036e-1F);
  p = multiply_add(p, square, -3.33332819422e-1F);
  const Vec near = multiply_add(p * square, x, x);
  return size < 0.625F ? near : (x < 0.0F ? -far : far);
}

/// x × the share of the normal distribution below x. The complementary error function is Numerical Recipes' erfcc, to
/// 1.2e-7 of its value.
[[gnu::always_inline]] inline Vec gelu(Vec x) {
  const Vec z = max(-x, x) * 0.70710678118654752F;
  const Vec t = 1.0F / multiply_add(z, 0.5F, 1.0F);
  Vec p = splat(0.17087277F);
  p = multiply_add(p, t, -0.82215223F);
  p = multiply_add(p, t, 1.48851587F);
  p = multiply_add(p, t, -1.13520398F);
  p = multiply_add(p, t, 0.27886807F);
  p = multiply_add(p, t, -0.18628806F);
  p = multiply_add(p, t, 0.09678418F);
  p = multiply_add(p, t, 0.37409196F);
  p = multiply_add(p, t, 1.00002368F);
  p = multiply_add(p, t, -1.26551223F);
  const Vec tail = 0.5F * t * exp(multiply_add(-z, z, p));
  return x * (x < 0.0F ? tail : 1.0F - tail);
}

[[gnu::always_inline]] inline Vec log(Vec x) {
  constexpr float kLeast = 1.17549435e-38F;
  const Vec scaled = x < kLeast ? x * 8388608.0F : x;
  const IntVec bits = reinterpret_cast<const IntVec&>(scaled);
  const Vec exponent = __builtin_convertvector((bits >> 23) - 126, Vec) - (x < kLeast ? splat(23) : splat(0));
  const IntVec mantissa = (bits & 0x007FFFFF) | 0x3F000000;
  const Vec half = reinterpret_cast<const Vec&>(mantissa);
  // Between √½ and √2.
  const Vec is_small = half < 0.70710678118654752F ? splat(1) : splat(0);
  const Vec m = multiply_add(half, is_small, half - 1.0F);
  const Vec e = exponent - is_small;
  const Vec square = m * m;
  Vec p = splat(7.0376836292e-2F);
  p = multiply_add(p, m, -1.1514610310e-1F);
  p = multiply_add(p, m, 1.1676998740e-1F);
  p = multiply_add(p, m, -1.2420140846e-1F);
  p = multiply_add(p, m, 1.4249322787e-1F);
  p = multiply_add(p, m, -1.6668057665e-1F);
  p = multiply_add(p, m, 2.0000714765e-1F);
  p = multiply_add(p, m, -2.4999993993e-1F);
  p = multiply_add(p, m, 3.3333331174e-1F);
  const Vec small = multiply_add(square, -0.5F, multiply_add(e, -2.12194440e-4F, p * m * square));
  const Vec inside = multiply_add(e, 0.693359375F, m + small);
  const Vec outside = x == 0.0F ? splat(-__builtin_inff()) : splat(__builtin_nanf(""));
  return x > 0.0F ? (x > 3.40282347e+38F ? x : inside) : outside;
}

[[gnu::always_inline]] inline Vec square_root(Vec x) {
  Vec result;
  for (std::size_t i = 0; i < kLanes; ++i) result[i] = __builtin_sqrtf(x[i]);
  return result;
}

[[gnu::always_inline]] inline Vec floor(Vec x) {
  // Beyond that there are whole numbers only.
  constexpr float kWhole = 8388608.0F;
  const Vec size = max(-x, x);
  const Vec small = size < kWhole ? x : splat(0);
  const Vec cut = __builtin_convertvector(__builtin_convertvector(small, IntVec), Vec);
  const Vec whole = cut > small ? cut - 1.0F : cut;
  return size < kWhole ? whole : x;
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
