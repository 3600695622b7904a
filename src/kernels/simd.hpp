// Included by the file of each instruction set, which has defined SILHOUETTE_ISA (a namespace of its own, so that no
// two files' functions of different instructions are ever taken for the same), kLanes, kBlock, the tile sizes, and
// kStepByStep: whether it is a browser that hands out registers. Loops over a tile's depth then take one step at a time
// (`from_here`), for one block at a time, and functions of results are calls.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

namespace silhouette::kernels::SILHOUETTE_ISA {

// Compiler vectors rather than a wrapper library: one source gives the instructions of every set, and registers are
// counted by the compiler.
using Vec [[gnu::vector_size(4 * kLanes), gnu::may_alias]] = float;
using IntVec [[gnu::vector_size(4 * kLanes), gnu::may_alias]] = std::int32_t;

inline constexpr std::size_t kBlockVecs = kBlock / kLanes;

[[gnu::always_inline]] inline Vec load(const float* p) {
  return *reinterpret_cast<const Vec*>(p);
}
[[gnu::always_inline]] inline void store(float* p, Vec v) {
  *reinterpret_cast<Vec*>(p) = v;
}
[[gnu::always_inline]] inline Vec load_anywhere(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
[[gnu::always_inline]] inline void store_anywhere(float* p, Vec v) {
  __builtin_memcpy(p, &v, sizeof v);
}
/// Fewer values than a vector has; the other lanes are `v`'s.
[[gnu::always_inline]] inline Vec load_some(const float* p, std::size_t count, Vec v) {
  __builtin_memcpy(&v, p, count * sizeof(float));
  return v;
}
[[gnu::always_inline]] inline void store_some(float* p, std::size_t count, Vec v) {
  __builtin_memcpy(p, &v, count * sizeof(float));
}
[[gnu::always_inline]] inline Vec splat(float x) {
  // Of all ways to say it the one that compilers turn into a single broadcast; x − 0 is x, −0 and NaN too.
  return x - Vec{};
}
// Which products are fused with the sums that they go into is said here and not left to the compiler
// (-ffp-contract=off): copies of one expression would round differently, and results would depend on where a row is
// cut.
template <typename V>
[[gnu::always_inline]] inline V fused_if_there_is(V a, V b, V c) {
  return a * b + c;
}
#if defined(__FMA__)
[[gnu::always_inline]] inline __m128 fused_if_there_is(__m128 a, __m128 b, __m128 c) {
  return _mm_fmadd_ps(a, b, c);
}
[[gnu::always_inline]] inline __m256 fused_if_there_is(__m256 a, __m256 b, __m256 c) {
  return _mm256_fmadd_ps(a, b, c);
}
#endif
#if defined(__AVX512F__)
[[gnu::always_inline]] inline __m512 fused_if_there_is(__m512 a, __m512 b, __m512 c) {
  return _mm512_fmadd_ps(a, b, c);
}
#endif
/// a × b + c, rounded once where the instruction set has that.
[[gnu::always_inline]] inline Vec multiply_add(Vec a, Vec b, Vec c) {
#if defined(__aarch64__)
  if constexpr (kLanes == 4) {
    return __builtin_bit_cast(Vec, vfmaq_f32(__builtin_bit_cast(float32x4_t, c), __builtin_bit_cast(float32x4_t, a),
                                             __builtin_bit_cast(float32x4_t, b)));
  }
#elif defined(__wasm_relaxed_simd__)
  // Whether it rounds once or twice is the processor's; it is the same wherever a row is cut.
  if constexpr (kLanes == 4) return wasm_f32x4_relaxed_madd(a, b, c);
#endif
  return fused_if_there_is(a, b, c);
}
[[gnu::always_inline]] inline Vec multiply_add(float a, Vec b, Vec c) {
  return multiply_add(splat(a), b, c);
}
[[gnu::always_inline]] inline Vec multiply_add(Vec a, float b, Vec c) {
  return multiply_add(a, splat(b), c);
}
[[gnu::always_inline]] inline Vec multiply_add(Vec a, Vec b, float c) {
  return multiply_add(a, b, splat(c));
}
[[gnu::always_inline]] inline Vec multiply_add(Vec a, float b, float c) {
  return multiply_add(a, splat(b), splat(c));
}
[[gnu::always_inline]] inline Vec min(Vec a, Vec b) {
#ifdef __wasm_simd128__
  // Said with WebAssembly's own words: of relaxed instructions the compiler would take those that make anything of NaN.
  if constexpr (kLanes == 4) return wasm_f32x4_pmin(b, a);
#endif
  return a < b ? a : b;
}
[[gnu::always_inline]] inline Vec max(Vec a, Vec b) {
#ifdef __wasm_simd128__
  if constexpr (kLanes == 4) return wasm_f32x4_pmax(b, a);
#endif
  return a > b ? a : b;
}
/// A value that is used several times and stays in a register: compilers would rather read it from memory in every
/// instruction that uses it, which costs a load each time.
template <typename V>
[[gnu::always_inline]] inline V in_register(V v) {
#if defined(__AVX512F__)
  asm("" : "+v"(v));
#elif defined(__AVX__)
  if constexpr (sizeof(V) <= 32) asm("" : "+x"(v));
#elif defined(__x86_64__)
  if constexpr (sizeof(V) <= 16) asm("" : "+x"(v));
#elif defined(__aarch64__)
  if constexpr (sizeof(V) <= 16) asm("" : "+w"(v));
#endif
  return v;
}
/// A value of which the compiler knows nothing from here on. WebAssembly's code is in the order that it gives it, and a
/// browser hands out registers in that order: sums that it puts off would keep all that goes into them in registers,
/// and of addresses whose distance it works out anew it no longer knows that the distance can be part of the load.
template <typename V>
[[gnu::always_inline]] inline V from_here(V v) {
#ifdef __wasm__
  asm volatile("" : "+r"(v));
#endif
  return v;
}
/// WebAssembly has none, and loops that only count what would be fetched would remain.
#ifdef __wasm__
inline constexpr bool kHasPrefetch = false;
#else
inline constexpr bool kHasPrefetch = true;
#endif
[[gnu::always_inline]] inline void prefetch_later(const float* p) {
  __builtin_prefetch(p, 0, 2);
}
[[gnu::always_inline]] inline void prefetch(const float* p) {
  __builtin_prefetch(p, 0, 3);
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
