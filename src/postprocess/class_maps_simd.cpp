#include "postprocess/class_maps_simd.hpp"

#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "postprocess/class_maps_simd.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
// After these, like all that includes them.
#include "base/highway.hpp"

HWY_BEFORE_NAMESPACE();
namespace silhouette::simd::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;
using V = hn::Vec<D>;
using VI = hn::Vec<DI>;

/// Loads a vector of which `count` values are wanted and those at `end` and beyond can't be read.
HWY_INLINE V load_part(D d, const float* at, std::size_t count, const float* end) {
  if (static_cast<std::size_t>(end - at) >= hn::Lanes(d)) return hn::LoadU(d, at);
  HWY_ALIGN float part[hn::MaxLanes(d)] = {};
  std::memcpy(part, at, count * sizeof(float));
  return hn::Load(d, part);
}

/// Magnitude as an integer: ordered as the float is, with infinity and then NaN above all numbers.
HWY_INLINE VI magnitude(DI di, V value) {
  return hn::BitCast(di, hn::Abs(value));
}

HWY_INLINE float largest(DI di, VI magnitudes) {
  return std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(di, magnitudes)));
}

HWY_INLINE V limited(V value, V low, V high) {
  return hn::Min(hn::IfThenElse(hn::Ge(value, low), value, low), high);
}

/// e^x for −87 ≤ x ≤ 87: x = n ln 2 + r with |r| ≤ ln 2 / 2, a minimax polynomial of degree 5 for e^r (relative error
/// 1.05e-7) in Estrin's order, then n added to the exponent. With the rounding of r, the error is below 3e-7 + ε |x|.
HWY_INLINE V exponential(D d, V x) {
  const DI di;
  const V shift = hn::Set(d, 0x1.8p23F);
  const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504F), shift);
  const V r = hn::NegMulAdd(hn::Sub(shifted, shift), hn::Set(d, 0.693147182F), x);
  const V square = hn::Mul(r, r);
  const V high = hn::MulAdd(r, hn::Set(d, 0x1.106250p-7F), hn::Set(d, 0x1.572a64p-5F));
  const V middle = hn::MulAdd(r, hn::Set(d, 0x1.5557b0p-3F), hn::Set(d, 0x1.fffdfcp-2F));
  const V low = hn::Add(r, hn::Set(d, 1.0F));
  const V power = hn::MulAdd(square, hn::MulAdd(square, high, middle), low);
  // The low bits of the shifted sum are n in two's complement; its other bits fall off the top.
  return hn::BitCast(d, hn::Add(hn::BitCast(di, power), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
}

/// The lanes of `row` that a block's index vector names.
template <ColumnMode kMode>
HWY_INLINE V pick(D d, const float* row, VI index) {
  if constexpr (kMode == ColumnMode::kShuffle128) {
    return hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(DI(), hn::LoadDup128(d, row)), index));
  } else if constexpr (kMode == ColumnMode::kShuffle) {
    return hn::TableLookupLanes(hn::LoadU(d, row), hn::IndicesFromVec(d, index));
  } else if constexpr (kMode == ColumnMode::kShuffle2) {
    const DI di;
    const auto lanes = static_cast<std::int32_t>(hn::Lanes(d));
    const auto lane = hn::IndicesFromVec(d, hn::And(index, hn::Set(di, lanes - 1)));
    const V near = hn::TableLookupLanes(hn::LoadU(d, row), lane);
    const V far = hn::TableLookupLanes(hn::LoadU(d, row + lanes), lane);
    return hn::IfThenElse(hn::RebindMask(d, hn::Lt(index, hn::Set(di, lanes))), near, far);
  } else {
    return hn::GatherIndex(d, row, index);
  }
}

/// The block's values of the channel whose r and d are at `row` and `row + stride`.
template <ColumnMode kMode>
HWY_INLINE V sample(D d, const float* row, std::size_t stride, VI index, V weight) {
  if constexpr (kMode == ColumnMode::kCopy) {
    return hn::LoadU(d, row);
  } else {
    return hn::MulAdd(weight, pick<kMode>(d, row + stride, index), pick<kMode>(d, row, index));
  }
}

/// Stores a block's vector into its row; of a row narrower than a vector only what there is.
template <class Tag, class Vector, typename T>
HWY_INLINE void store_block(Tag tag, Vector value, const ColumnPlan& plan, std::size_t block, T* row) {
  if (HWY_LIKELY(plan.width >= plan.lanes)) {
    hn::StoreU(value, tag, row + plan.start[block]);
  } else {
    HWY_ALIGN T part[hn::MaxLanes(tag)];
    hn::Store(value, tag, part);
    std::memcpy(row, part, static_cast<std::size_t>(plan.width) * sizeof(T));
  }
}

HWY_INLINE const float* block_rows(const Blocks& blocks, std::size_t block) {
  return blocks.rows + (blocks.plan->base[block] - blocks.first);
}

template <ColumnMode kMode>
void sample_in_mode(const Blocks& blocks, float* out, std::size_t plane) {
  const D d;
  const DI di;
  const std::size_t n = hn::Lanes(d);
  const ColumnPlan& plan = *blocks.plan;
  for (auto b = static_cast<std::size_t>(blocks.begin); b < static_cast<std::size_t>(blocks.end); ++b) {
    const VI index = hn::LoadU(di, plan.index.data() + b * n);
    const V weight = hn::LoadU(d, plan.weight.data() + b * n);
    const float* row = block_rows(blocks, b);
    float* to = out;
    for (int c = 0; c < blocks.channels; ++c) {
      store_block(d, sample<kMode>(d, row, blocks.stride, index, weight), plan, b, to);
      row += 2 * blocks.stride;
      to += plane;
    }
  }
}

template <ColumnMode kMode>
void argmax_in_mode(const Blocks& blocks, std::int32_t* argmax) {
  const D d;
  const DI di;
  const std::size_t n = hn::Lanes(d);
  const ColumnPlan& plan = *blocks.plan;
  const std::size_t stride = blocks.stride;
  const VI one = hn::Set(di, 1);
  for (auto b = static_cast<std::size_t>(blocks.begin); b < static_cast<std::size_t>(blocks.end); ++b) {
    const VI index = hn::LoadU(di, plan.index.data() + b * n);
    const V weight = hn::LoadU(d, plan.weight.data() + b * n);
    const float* row = block_rows(blocks, b);
    V best = sample<kMode>(d, row, stride, index, weight);
    VI winner = hn::Zero(di);
    VI channel = hn::Zero(di);
    for (int c = 1; c < blocks.channels; ++c) {
      row += 2 * stride;
      const V value = sample<kMode>(d, row, stride, index, weight);
      channel = hn::Add(channel, one);
      winner = hn::IfThenElse(hn::RebindMask(di, hn::Gt(value, best)), channel, winner);
      best = hn::Max(best, value);
    }
    store_block(di, winner, plan, b, argmax);
  }
}

template <ColumnMode kMode, bool kBounded>
void softmax_in_mode(const Blocks& blocks, std::span<const int> classes, std::int32_t* argmax,
                     float* const* probabilities, float* scratch) {
  const D d;
  const DI di;
  const std::size_t n = hn::Lanes(d);
  const ColumnPlan& plan = *blocks.plan;
  const std::size_t stride = blocks.stride;
  const VI one = hn::Set(di, 1);
  const auto channels = static_cast<std::size_t>(blocks.channels);
  for (auto b = static_cast<std::size_t>(blocks.begin); b < static_cast<std::size_t>(blocks.end); ++b) {
    const VI index = hn::LoadU(di, plan.index.data() + b * n);
    const V weight = hn::LoadU(d, plan.weight.data() + b * n);
    const float* row = block_rows(blocks, b);
    V best = sample<kMode>(d, row, stride, index, weight);
    V sum = kBounded ? exponential(d, best) : hn::Zero(d);
    hn::Store(kBounded ? sum : best, d, scratch);
    VI winner = hn::Zero(di);
    VI channel = hn::Zero(di);
    for (std::size_t c = 1; c < channels; ++c) {
      row += 2 * stride;
      V value = sample<kMode>(d, row, stride, index, weight);
      channel = hn::Add(channel, one);
      winner = hn::IfThenElse(hn::RebindMask(di, hn::Gt(value, best)), channel, winner);
      best = hn::Max(best, value);
      if constexpr (kBounded) {
        value = exponential(d, value);
        sum = hn::Add(sum, value);
      }
      hn::Store(value, d, scratch + c * n);
    }
    store_block(di, winner, plan, b, argmax);
    if constexpr (!kBounded) {
      const V low = hn::Set(d, -87.0F);
      for (std::size_t c = 0; c < channels; ++c) {
        const V value = exponential(d, hn::Max(hn::Sub(hn::Load(d, scratch + c * n), best), low));
        sum = hn::Add(sum, value);
        hn::Store(value, d, scratch + c * n);
      }
    }
    const V scale = hn::Div(hn::Set(d, 1.0F), sum);
    for (std::size_t k = 0; k < classes.size(); ++k) {
      const V share = hn::Mul(hn::Load(d, scratch + static_cast<std::size_t>(classes[k]) * n), scale);
      store_block(d, hn::Min(share, hn::Set(d, 1.0F)), plan, b, probabilities[k]);
    }
  }
}

template <ColumnMode kMode>
void threshold_in_mode(const Blocks& blocks, std::span<const int> classes, std::int32_t* argmax,
                       float* const* probabilities) {
  const D d;
  const DI di;
  const std::size_t n = hn::Lanes(d);
  const ColumnPlan& plan = *blocks.plan;
  const V one = hn::Set(d, 1.0F);
  for (auto b = static_cast<std::size_t>(blocks.begin); b < static_cast<std::size_t>(blocks.end); ++b) {
    const VI index = hn::LoadU(di, plan.index.data() + b * n);
    const V weight = hn::LoadU(d, plan.weight.data() + b * n);
    const V sampled = sample<kMode>(d, block_rows(blocks, b), blocks.stride, index, weight);
    const V value = hn::Min(hn::Max(sampled, hn::Zero(d)), one);
    const auto foreground = hn::RebindMask(di, hn::Gt(value, hn::Set(d, 0.5F)));
    store_block(di, hn::IfThenElseZero(foreground, hn::Set(di, 1)), plan, b, argmax);
    for (std::size_t k = 0; k < classes.size(); ++k) {
      store_block(d, classes[k] == 1 ? value : hn::Sub(one, value), plan, b, probabilities[k]);
    }
  }
}

template <bool kLimited>
float interpolate(const RowPair& pair, int first, int count_, const Limits* limits, float* rows, std::size_t stride) {
  const D d;
  const DI di;
  const std::size_t n = hn::Lanes(d);
  const auto count = static_cast<std::size_t>(count_);
  const V weight = hn::Set(d, pair.weight);
  const V low = hn::Set(d, kLimited ? limits->low : 0.0F);
  const V high = hn::Set(d, kLimited ? limits->high : 0.0F);
  VI magnitudes = hn::Zero(di);
  for (std::size_t c = 0; c < static_cast<std::size_t>(pair.channels); ++c) {
    const float* const top = pair.top + c * pair.plane + first;
    const float* const bottom = pair.bottom + c * pair.plane + first;
    float* const r = rows + 2 * c * stride;
    float* const delta = r + stride;
    for (std::size_t x = 0; x < count; x += n) {
      const std::size_t left = count - x;
      V a = load_part(d, top + x, HWY_MIN(left, n), pair.end);
      V b = load_part(d, bottom + x, HWY_MIN(left, n), pair.end);
      if constexpr (kLimited) {
        a = limited(a, low, high);
        b = limited(b, low, high);
      }
      const V value = hn::MulAdd(weight, hn::Sub(b, a), a);
      hn::StoreU(value, d, r + x);
      // Of what it lies between: averages of what is beyond the limits may be within them.
      const VI m = hn::Max(magnitude(di, a), magnitude(di, b));
      magnitudes = hn::Max(magnitudes, left >= n ? m : hn::IfThenElseZero(hn::FirstN(di, left), m));
    }
    // The value after the last is the vector's padding or an old one; the difference with it is overwritten.
    for (std::size_t x = 0; x < count; x += n) {
      hn::StoreU(hn::Sub(hn::LoadU(d, r + x + 1), hn::LoadU(d, r + x)), d, delta + x);
    }
    delta[count - 1] = 0.0F;
  }
  return largest(di, magnitudes);
}

float interpolate_rows_target(const RowPair& pair, int first, int count, const Limits* limits, float* rows,
                              std::size_t stride) {
  return limits == nullptr ? interpolate<false>(pair, first, count, limits, rows, stride)
                           : interpolate<true>(pair, first, count, limits, rows, stride);
}

/// Calls `body` with the mode as a compile-time constant.
template <class Body>
HWY_INLINE void in_mode(ColumnMode mode, const Body& body) {
  switch (mode) {
    case ColumnMode::kCopy: return body.template operator()<ColumnMode::kCopy>();
    case ColumnMode::kShuffle128: return body.template operator()<ColumnMode::kShuffle128>();
    case ColumnMode::kShuffle: return body.template operator()<ColumnMode::kShuffle>();
    case ColumnMode::kShuffle2: return body.template operator()<ColumnMode::kShuffle2>();
    case ColumnMode::kGather: return body.template operator()<ColumnMode::kGather>();
  }
}

void sample_target(const Blocks& blocks, float* out, std::size_t plane) {
  in_mode(blocks.plan->mode, [&]<ColumnMode kMode>() { sample_in_mode<kMode>(blocks, out, plane); });
}

void argmax_target(const Blocks& blocks, std::int32_t* argmax) {
  in_mode(blocks.plan->mode, [&]<ColumnMode kMode>() { argmax_in_mode<kMode>(blocks, argmax); });
}

void softmax_target(const Blocks& blocks, bool bounded, std::span<const int> classes, std::int32_t* argmax,
                    float* const* probabilities, float* scratch) {
  in_mode(blocks.plan->mode, [&]<ColumnMode kMode>() {
    if (bounded) {
      softmax_in_mode<kMode, true>(blocks, classes, argmax, probabilities, scratch);
    } else {
      softmax_in_mode<kMode, false>(blocks, classes, argmax, probabilities, scratch);
    }
  });
}

void threshold_target(const Blocks& blocks, std::span<const int> classes, std::int32_t* argmax,
                      float* const* probabilities) {
  in_mode(blocks.plan->mode,
          [&]<ColumnMode kMode>() { threshold_in_mode<kMode>(blocks, classes, argmax, probabilities); });
}

float row_winners_target(const float* row, const float* end, std::size_t plane, int channels, int width_,
                         std::int32_t* winner, float* lead) {
  const D d;
  const DI di;
  const std::size_t n = hn::Lanes(d);
  const auto width = static_cast<std::size_t>(width_);
  VI magnitudes = hn::Zero(di);
  for (std::size_t x = 0; x < width; x += n) {
    const std::size_t left = width - x;
    V best = load_part(d, row + x, HWY_MIN(left, n), end);
    V second = hn::Set(d, -3.4e38F);
    VI at = hn::Zero(di);
    VI channel = hn::Zero(di);
    VI m = magnitude(di, best);
    for (std::size_t c = 1; c < static_cast<std::size_t>(channels); ++c) {
      const V value = load_part(d, row + c * plane + x, HWY_MIN(left, n), end);
      channel = hn::Add(channel, hn::Set(di, 1));
      m = hn::Max(m, magnitude(di, value));
      at = hn::IfThenElse(hn::RebindMask(di, hn::Gt(value, best)), channel, at);
      second = hn::Max(second, hn::Min(value, best));
      best = hn::Max(best, value);
    }
    if (left >= n) {
      hn::StoreU(at, di, winner + x);
      hn::StoreU(hn::Sub(best, second), d, lead + x);
    } else {
      HWY_ALIGN std::int32_t winner_part[hn::MaxLanes(di)];
      HWY_ALIGN float lead_part[hn::MaxLanes(d)];
      hn::Store(at, di, winner_part);
      hn::Store(hn::Sub(best, second), d, lead_part);
      std::memcpy(winner + x, winner_part, left * sizeof(std::int32_t));
      std::memcpy(lead + x, lead_part, left * sizeof(float));
      m = hn::IfThenElseZero(hn::FirstN(di, left), m);
    }
    magnitudes = hn::Max(magnitudes, m);
  }
  return largest(di, magnitudes);
}

std::int64_t number_target() {
  return HWY_TARGET;
}

std::size_t lanes_target() {
  return hn::Lanes(D());
}

}  // namespace
}  // namespace silhouette::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace silhouette::simd {

HWY_EXPORT(lanes_target);
HWY_EXPORT(number_target);
HWY_EXPORT(interpolate_rows_target);
HWY_EXPORT(sample_target);
HWY_EXPORT(argmax_target);
HWY_EXPORT(softmax_target);
HWY_EXPORT(threshold_target);
HWY_EXPORT(row_winners_target);

std::size_t lanes() {
  return SILHOUETTE_DISPATCH(lanes_target)();
}

std::int64_t target() {
  return SILHOUETTE_DISPATCH(number_target)();
}

float interpolate_rows(const RowPair& pair, int first, int count, const Limits* limits, float* rows,
                       std::size_t stride) {
  return SILHOUETTE_DISPATCH(interpolate_rows_target)(pair, first, count, limits, rows, stride);
}

void sample_blocks(const Blocks& blocks, float* out, std::size_t plane) {
  SILHOUETTE_DISPATCH(sample_target)(blocks, out, plane);
}

void argmax_blocks(const Blocks& blocks, std::int32_t* argmax) {
  SILHOUETTE_DISPATCH(argmax_target)(blocks, argmax);
}

void softmax_blocks(const Blocks& blocks, bool bounded, std::span<const int> classes, std::int32_t* argmax,
                    float* const* probabilities, float* scratch) {
  SILHOUETTE_DISPATCH(softmax_target)(blocks, bounded, classes, argmax, probabilities, scratch);
}

void threshold_blocks(const Blocks& blocks, std::span<const int> classes, std::int32_t* argmax,
                      float* const* probabilities) {
  SILHOUETTE_DISPATCH(threshold_target)(blocks, classes, argmax, probabilities);
}

float row_winners(const float* row, const float* end, std::size_t plane, int channels, int width, std::int32_t* winner,
                  float* lead) {
  return SILHOUETTE_DISPATCH(row_winners_target)(row, end, plane, channels, width, winner, lead);
}

}  // namespace silhouette::simd
#endif
