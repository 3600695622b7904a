// Included by the file of each instruction set.
#pragma once

#include <utility>

#include "kernels/elementwise/functions.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

template <std::size_t kStep, std::size_t... kLane>
[[gnu::always_inline]] inline Vec exchange_lanes(Vec v, std::index_sequence<kLane...> /*lanes*/) {
  return __builtin_shufflevector(v, v, static_cast<int>(kLane ^ kStep)...);
}

/// All lanes together, in every lane.
template <std::size_t kStep = kLanes / 2, typename Combine>
[[gnu::always_inline]] inline Vec across(Vec v, Combine combine) {
  v = combine(v, exchange_lanes<kStep>(v, std::make_index_sequence<kLanes>()));
  if constexpr (kStep > 1) return across<kStep / 2>(v, combine);
  return v;
}

[[gnu::always_inline]] inline Vec largest_lane(Vec v) {
  return across(v, [](Vec a, Vec b) { return max(a, b); });
}
[[gnu::always_inline]] inline Vec sum_of_lanes(Vec v) {
  return across(v, [](Vec a, Vec b) { return a + b; });
}

inline void softmax_pixels(const SoftmaxPixels& s) {
  const Vec nothing = splat(-__builtin_inff());
  IntVec lanes;
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = static_cast<std::int32_t>(i);
  const float* const last_input = s.input + (s.blocks - 1) * s.plane;
  float* const last_output = s.output + (s.blocks - 1) * s.plane;
  for (std::size_t pixel = 0; pixel < s.pixels * kBlock; pixel += kBlock) {
    // What channels there are of the last block, −∞ for the others.
    const auto last = [&](std::size_t lane) {
      const auto used = static_cast<std::int32_t>(s.channels) - static_cast<std::int32_t>(lane);
      return lanes < used ? load(last_input + pixel + lane) : nothing;
    };
    Vec largest = nothing;
#pragma GCC unroll 4
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) largest = max(last(lane), largest);
    for (std::size_t block = 0; block + 1 < s.blocks; ++block) {
#pragma GCC unroll 4
      for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
        largest = max(load(s.input + block * s.plane + pixel + lane), largest);
      }
    }
    largest = largest_lane(largest);
    Vec sum = splat(0);
    for (std::size_t block = 0; block + 1 < s.blocks; ++block) {
#pragma GCC unroll 4
      for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
        const std::size_t at = block * s.plane + pixel + lane;
        const Vec power = exp(load(s.input + at) - largest);
        store(s.output + at, power);
        sum += power;
      }
    }
    Vec powers[kBlockVecs];
#pragma GCC unroll 4
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
      const Vec power = exp(last(lane) - largest);
      powers[lane / kLanes] = power;
      sum += power;
    }
    const Vec factor = 1.0F / sum_of_lanes(sum);
    for (std::size_t block = 0; block + 1 < s.blocks; ++block) {
#pragma GCC unroll 4
      for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
        float* const at = s.output + block * s.plane + pixel + lane;
        store(at, load(at) * factor);
      }
    }
#pragma GCC unroll 4
    for (std::size_t lane = 0; lane < kBlock; lane += kLanes) {
      store(last_output + pixel + lane, powers[lane / kLanes] * factor);
    }
  }
}

inline void softmax_values(const SoftmaxValues& s) {
  const Vec nothing = splat(-__builtin_inff());
  const std::size_t whole = s.count / kLanes * kLanes;
  const std::size_t rest = s.count - whole;
  Vec largest = rest > 0 ? load_some(s.input + whole, rest, nothing) : nothing;
  for (std::size_t i = 0; i < whole; i += kLanes) largest = max(load_anywhere(s.input + i), largest);
  largest = largest_lane(largest);
  // Two sums, for accuracy's sake: there may be many.
  Vec sums[2] = {};
  for (std::size_t i = 0; i < whole; i += kLanes) {
    const Vec power = exp(load_anywhere(s.input + i) - largest);
    store_anywhere(s.output + i, power);
    sums[i / kLanes % 2] += power;
  }
  const Vec power = rest > 0 ? exp(load_some(s.input + whole, rest, nothing) - largest) : splat(0);
  const Vec factor = 1.0F / sum_of_lanes(sums[0] + (sums[1] + power));
  for (std::size_t i = 0; i < whole; i += kLanes) {
    store_anywhere(s.output + i, load_anywhere(s.output + i) * factor);
  }
  if (rest > 0) store_some(s.output + whole, rest, power * factor);
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
