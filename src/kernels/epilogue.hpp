// Included by the file of each instruction set.
#pragma once

#include "kernels/simd.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

/// e^r − 1 for |r| ≤ ln 2 / 2 (Cephes' expf by S. Moshier).
[[gnu::always_inline]] inline Vec small_expm1(Vec r) {
  Vec p = splat(1.9875691500e-4F);
  p = multiply_add(p, r, 1.3981999507e-3F);
  p = multiply_add(p, r, 8.3334519073e-3F);
  p = multiply_add(p, r, 4.1665795894e-2F);
  p = multiply_add(p, r, 1.6666665459e-1F);
  p = multiply_add(p, r, 5.0000001201e-1F);
  return multiply_add(p * r, r, r);
}

/// e^x = `factor` × 2^`exponent`.
struct Power {
  Vec factor;
  IntVec exponent;
};

[[gnu::always_inline]] inline Power exp_parts(Vec x) {
  // Rounded to the nearest whole number by the addition of 1.5 × 2^23.
  const Vec shifted = multiply_add(x, 1.44269504088896341F, 12582912.0F);
  const Vec whole = shifted - 12582912.0F;
  const Vec r = multiply_add(whole, 2.12194440e-4F, multiply_add(whole, -0.693359375F, x));
  return {small_expm1(r) + 1.0F, reinterpret_cast<const IntVec&>(shifted) - 0x4B400000};
}

[[gnu::always_inline]] inline Vec power_of_two(IntVec exponent) {
  const IntVec bits = (exponent + 127) << 23;
  return reinterpret_cast<const Vec&>(bits);
}

[[gnu::always_inline]] inline Vec sigmoid(Vec x) {
  // Of −|x|, so that nothing overflows: 1 / (1 + e^−|x|) is right of zero, its complement left of it.
  const Power e = exp_parts(max(min(x, -x), splat(-87.0F)));
  const Vec right = 1.0F / multiply_add(e.factor, power_of_two(e.exponent), 1.0F);
  return x < 0.0F ? 1.0F - right : right;
}

[[gnu::always_inline]] inline Vec hardsigmoid(Vec x) {
  return min(max(multiply_add(x, 1.0F / 6.0F, 0.5F), splat(0)), splat(1));
}

/// What an epilogue does, its clamp's bounds in registers.
struct Finisher {
  Function function;
  Vec low;
  Vec high;

  explicit Finisher(const Epilogue& epilogue)
      : function(epilogue.function), low(splat(epilogue.min)), high(splat(epilogue.max)) {}

  /// NaN stays NaN: both comparisons are false for it and keep the second operand of max, min.
  [[gnu::always_inline]] Vec clamp(Vec v) const { return min(high, max(low, v)); }

  [[gnu::always_inline]] Vec operator()(Vec v) const {
    switch (function) {
      case Function::kNone: break;
      case Function::kHardswish: v = v * hardsigmoid(v); break;
      case Function::kHardsigmoid: v = hardsigmoid(v); break;
      case Function::kSigmoid: v = sigmoid(v); break;
    }
    return clamp(v);
  }

  /// To many vectors at once: the decision is made once.
  template <std::size_t N>
  [[gnu::always_inline]] void all(Vec (&values)[N]) const {
    if (function != Function::kNone) {
      for (Vec& v : values) v = (*this)(v);
      return;
    }
#pragma GCC unroll 32
    for (std::size_t i = 0; i < N; ++i) values[i] = clamp(values[i]);
  }
};

/// Of blocks that are stored, `stride` apart: what functions need, in the program once.
[[gnu::noinline]] inline void finish_stored(const Epilogue& epilogue, float* blocks, std::size_t count,
                                            std::ptrdiff_t stride) {
  const Finisher finisher(epilogue);
  for (std::size_t i = 0; i < count; ++i, blocks += stride) {
    for (std::size_t v = 0; v < kBlockVecs; ++v) store(blocks + v * kLanes, finisher(load(blocks + v * kLanes)));
  }
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
