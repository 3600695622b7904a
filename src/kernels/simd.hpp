// Included by the file of each instruction set, which has defined SILHOUETTE_ISA (a namespace of its own, so that no
// two files' functions of different instructions are ever taken for the same), kLanes, kBlock and the tile sizes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

// Compiler vectors rather than a wrapper library: one source gives the instructions of every set, registers are counted
// by the compiler, and sums of products become fused where the set has that (-ffp-contract=fast).
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
  Vec v;
  for (std::size_t i = 0; i < kLanes; ++i) v[i] = x;
  return v;
}
[[gnu::always_inline]] inline Vec min(Vec a, Vec b) {
  return a < b ? a : b;
}
[[gnu::always_inline]] inline Vec max(Vec a, Vec b) {
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
inline constexpr std::size_t kLineFloats = 16;  ///< of a cache line
[[gnu::always_inline]] inline void prefetch_later(const float* p) {
  __builtin_prefetch(p, 0, 2);
}
[[gnu::always_inline]] inline void prefetch(const float* p) {
  __builtin_prefetch(p, 0, 3);
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
