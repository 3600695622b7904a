#include "preprocess/resize_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "preprocess/resize_kernels.cpp"
#include <hwy/foreach_target.h>
// Highway needs foreach_target.h first.
#include <hwy/highway.h>
// After these, like all that includes them.
#include "base/highway.hpp"

#include <algorithm>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace silhouette::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
// Processors without vectors of 128 bits, or a compiler that can't use them.

HWY_INLINE std::uint8_t rounded(std::int32_t sum, int precision) {
  return static_cast<std::uint8_t>(std::clamp((sum + (1 << (precision - 1))) >> precision, 0, 255));
}

void horizontal_antialias(std::span<const std::uint8_t* const> rows, std::span<std::uint8_t* const> outs,
                          const AxisWeights& axis, int begin, int end) {
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::uint8_t* out = outs[r];
    for (int x = begin; x < end; ++x) {
      const auto at = static_cast<std::size_t>(x);
      const auto weights = axis.of(x);
      const std::uint8_t* const pixels = rows[r] + static_cast<std::size_t>(axis.first[at]) * 3;
      for (std::size_t c = 0; c < 3; ++c) {
        std::int32_t sum = 0;
        for (std::size_t k = 0; k < static_cast<std::size_t>(axis.count[at]); ++k)
          sum += weights[k] * pixels[k * 3 + c];
        *out++ = rounded(sum, axis.precision);
      }
    }
  }
}

void vertical_antialias(std::span<const std::uint8_t* const> rows, std::span<const std::int16_t> weights, int precision,
                        std::size_t size, std::uint8_t* out) {
  for (std::size_t i = 0; i < size; ++i) {
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < rows.size(); ++k) sum += weights[k] * rows[k][i];
    out[i] = rounded(sum, precision);
  }
}

void horizontal_linear(const std::uint8_t* row, const AxisWeights& axis, int begin, int end, std::int16_t* out) {
  for (int x = begin; x < end; ++x) {
    const auto weights = axis.of(x);
    const std::uint8_t* const pixels = row + static_cast<std::size_t>(axis.first[static_cast<std::size_t>(x)]) * 3;
    for (std::size_t c = 0; c < 3; ++c) {
      *out++ = static_cast<std::int16_t>((weights[0] * pixels[c] + weights[1] * pixels[c + 3]) >> 4);
    }
  }
}

void vertical_linear(const std::int16_t* row0, const std::int16_t* row1, std::int16_t w0, std::int16_t w1,
                     std::size_t size, std::uint8_t* out) {
  for (std::size_t i = 0; i < size; ++i) {
    const int sum = ((w0 * row0[i]) >> 16) + ((w1 * row1[i]) >> 16);
    out[i] = static_cast<std::uint8_t>(std::clamp((sum + 2) >> 2, 0, 255));
  }
}

#else

namespace hn = hwy::HWY_NAMESPACE;

// Blocks of 128 bits on every target: four RGB pixels are 12 bytes, which wider vectors would have to gather.
using Bytes = hn::Full128<std::uint8_t>;
using Shorts = hn::Full128<std::int16_t>;
using Words = hn::Full128<std::int32_t>;
using ByteVector = hn::Vec<Bytes>;
using ShortVector = hn::Vec<Shorts>;
using WordVector = hn::Vec<Words>;

// sum[i] + a[2i] × b[2i] + a[2i + 1] × b[2i + 1]
HWY_INLINE WordVector add_pair_products(ShortVector a, ShortVector b, WordVector sum) {
  const Words words;
#if HWY_TARGET == HWY_EMU128 || (!HWY_ARCH_X86 && !HWY_ARCH_WASM)
  const auto a_words = hn::BitCast(words, a);
  const auto b_words = hn::BitCast(words, b);
  const auto even =
      hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(a_words)), hn::ShiftRight<16>(hn::ShiftLeft<16>(b_words)));
  const auto odd = hn::Mul(hn::ShiftRight<16>(a_words), hn::ShiftRight<16>(b_words));
  return hn::Add(sum, hn::Add(even, odd));
#else
  WordVector unused = hn::Zero(words);
  return hn::ReorderWidenMulAccumulate(words, a, b, sum, unused);
#endif
}

HWY_INLINE ShortVector weight_pair(const std::int16_t* weights) {
  std::int32_t pair;
  std::memcpy(&pair, weights, sizeof pair);
  return hn::BitCast(Shorts(), hn::Set(Words(), pair));
}

// Shuffles of four packed pixels to 16-bit pairs for each channel: r0 r1 g0 g1 b0 b1 0 0, and the same of pixels 2, 3.
HWY_ALIGN constexpr std::uint8_t kFirstPair[16] = {0, 128, 3, 128, 1, 128, 4, 128, 2, 128, 5, 128, 128, 128, 128, 128};
HWY_ALIGN constexpr std::uint8_t kSecondPair[16] = {6, 128, 9,  128, 7,   128, 10,  128,
                                                    8, 128, 11, 128, 128, 128, 128, 128};

HWY_INLINE WordVector weighted_pixels(const std::uint8_t* pixels, ShortVector w01, ShortVector w23, ByteVector first,
                                      ByteVector second, WordVector sum) {
  const Shorts shorts;
  const auto four = hn::LoadU(Bytes(), pixels);
  sum = add_pair_products(hn::BitCast(shorts, hn::TableLookupBytesOr0(four, first)), w01, sum);
  return add_pair_products(hn::BitCast(shorts, hn::TableLookupBytesOr0(four, second)), w23, sum);
}

HWY_INLINE void store_pixel(WordVector rgb, bool last, std::uint8_t* out) {
  const auto bytes = hn::DemoteTo(hn::Rebind<std::uint8_t, Words>(), rgb);
  HWY_ALIGN std::uint8_t four[4];
  hn::StoreU(bytes, hn::Rebind<std::uint8_t, Words>(), four);
  // The fourth byte belongs to the next pixel, which overwrites it, except at the end of the row.
  std::memcpy(out, four, last ? 3 : 4);
}

template <int kRows>
HWY_INLINE void horizontal_antialias_rows(const std::uint8_t* const* rows, std::uint8_t* const* outs,
                                          const AxisWeights& axis, int begin, int end) {
  const Words words;
  const auto first = hn::Load(Bytes(), kFirstPair);
  const auto second = hn::Load(Bytes(), kSecondPair);
  const auto half = hn::Set(words, 1 << (axis.precision - 1));
  for (int x = begin; x < end; ++x) {
    const auto at = static_cast<std::size_t>(x);
    const std::size_t start = static_cast<std::size_t>(axis.first[at]) * 3;
    const auto count = static_cast<std::size_t>(axis.count[at]);
    const std::int16_t* const weights = axis.weights.data() + at * static_cast<std::size_t>(axis.taps);
    WordVector sums[std::size_t{kRows}];
    for (int r = 0; r < kRows; ++r) sums[r] = half;
    for (std::size_t k = 0; k < count; k += 4) {
      const auto w01 = weight_pair(weights + k);
      const auto w23 = weight_pair(weights + k + 2);
      for (int r = 0; r < kRows; ++r) {
        sums[r] = weighted_pixels(rows[r] + start + k * 3, w01, w23, first, second, sums[r]);
      }
    }
    const std::size_t target = static_cast<std::size_t>(x - begin) * 3;
    for (int r = 0; r < kRows; ++r) {
      store_pixel(hn::ShiftRightSame(sums[r], axis.precision), x + 1 == end, outs[r] + target);
    }
  }
}

void horizontal_antialias(std::span<const std::uint8_t* const> rows, std::span<std::uint8_t* const> outs,
                          const AxisWeights& axis, int begin, int end) {
  if (rows.size() == kRowsAtOnce) {
    horizontal_antialias_rows<kRowsAtOnce>(rows.data(), outs.data(), axis, begin, end);
  } else {
    horizontal_antialias_rows<1>(rows.data(), outs.data(), axis, begin, end);
  }
}

void vertical_antialias(std::span<const std::uint8_t* const> rows, std::span<const std::int16_t> weights, int precision,
                        std::size_t size, std::uint8_t* out) {
  const Bytes bytes;
  const Shorts shorts;
  const Words words;
  if (size < 16) {
    for (std::size_t i = 0; i < size; ++i) {
      std::int32_t sum = 1 << (precision - 1);
      for (std::size_t k = 0; k < rows.size(); ++k) sum += weights[k] * rows[k][i];
      out[i] = static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255));
    }
    return;
  }
  const auto half = hn::Set(words, 1 << (precision - 1));
  const auto zero = hn::Zero(bytes);
  for (std::size_t i = 0;;) {
    WordVector sums[4] = {half, half, half, half};
    for (std::size_t k = 0; k < rows.size(); k += 2) {
      const bool pair = k + 1 < rows.size();
      const std::int16_t two[2] = {weights[k], pair ? weights[k + 1] : std::int16_t{0}};
      const auto w = weight_pair(two);
      const auto a = hn::LoadU(bytes, rows[k] + i);
      const auto b = pair ? hn::LoadU(bytes, rows[k + 1] + i) : zero;
      const auto low = hn::InterleaveLower(bytes, a, b);
      const auto high = hn::InterleaveUpper(bytes, a, b);
      sums[0] = add_pair_products(hn::BitCast(shorts, hn::InterleaveLower(bytes, low, zero)), w, sums[0]);
      sums[1] = add_pair_products(hn::BitCast(shorts, hn::InterleaveUpper(bytes, low, zero)), w, sums[1]);
      sums[2] = add_pair_products(hn::BitCast(shorts, hn::InterleaveLower(bytes, high, zero)), w, sums[2]);
      sums[3] = add_pair_products(hn::BitCast(shorts, hn::InterleaveUpper(bytes, high, zero)), w, sums[3]);
    }
    const hn::Rebind<std::uint8_t, Words> quarter;
    for (std::size_t s = 0; s < 4; ++s) {
      hn::StoreU(hn::DemoteTo(quarter, hn::ShiftRightSame(sums[s], precision)), quarter, out + i + s * 4);
    }
    if (i + 16 == size) return;
    // The last block may overlap the one before it.
    i = std::min(i + 16, size - 16);
  }
}

void horizontal_linear(const std::uint8_t* row, const AxisWeights& axis, int begin, int end, std::int16_t* out) {
  const Words words;
  const auto first = hn::Load(Bytes(), kFirstPair);
  const hn::Rebind<std::int16_t, Words> half_shorts;
  for (int x = begin; x < end; ++x) {
    const auto at = static_cast<std::size_t>(x);
    const auto w = weight_pair(axis.weights.data() + at * 4);
    const auto two = hn::LoadU(Bytes(), row + static_cast<std::size_t>(axis.first[at]) * 3);
    const auto pairs = hn::BitCast(Shorts(), hn::TableLookupBytesOr0(two, first));
    const auto sum = add_pair_products(pairs, w, hn::Zero(words));
    const auto rgb = hn::DemoteTo(half_shorts, hn::ShiftRight<4>(sum));
    HWY_ALIGN std::int16_t four[4];
    hn::StoreU(rgb, half_shorts, four);
    std::memcpy(out + static_cast<std::size_t>(x - begin) * 3, four, x + 1 == end ? 6 : 8);
  }
}

void vertical_linear(const std::int16_t* row0, const std::int16_t* row1, std::int16_t w0, std::int16_t w1,
                     std::size_t size, std::uint8_t* out) {
  const Shorts shorts;
  if (size < 8) {
    for (std::size_t i = 0; i < size; ++i) {
      const int sum = ((w0 * row0[i]) >> 16) + ((w1 * row1[i]) >> 16);
      out[i] = static_cast<std::uint8_t>(std::clamp((sum + 2) >> 2, 0, 255));
    }
    return;
  }
  const auto weight0 = hn::Set(shorts, w0);
  const auto weight1 = hn::Set(shorts, w1);
  const hn::Rebind<std::uint8_t, Shorts> half_bytes;
  for (std::size_t i = 0;;) {
    const auto a = hn::MulHigh(hn::LoadU(shorts, row0 + i), weight0);
    const auto b = hn::MulHigh(hn::LoadU(shorts, row1 + i), weight1);
    const auto sum = hn::ShiftRight<2>(hn::Add(hn::Add(a, b), hn::Set(shorts, 2)));
    hn::StoreU(hn::DemoteTo(half_bytes, sum), half_bytes, out + i);
    if (i + 8 == size) return;
    i = std::min(i + 8, size - 8);
  }
}

#endif

std::int64_t kernels_target() {
  return HWY_TARGET;
}

}  // namespace silhouette::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace silhouette {

HWY_EXPORT(horizontal_antialias);
HWY_EXPORT(vertical_antialias);
HWY_EXPORT(horizontal_linear);
HWY_EXPORT(vertical_linear);
HWY_EXPORT(kernels_target);

void horizontal_antialias(std::span<const std::uint8_t* const> rows, std::span<std::uint8_t* const> outs,
                          const AxisWeights& axis, int begin, int end) {
  SILHOUETTE_DISPATCH(horizontal_antialias)(rows, outs, axis, begin, end);
}

void vertical_antialias(std::span<const std::uint8_t* const> rows, std::span<const std::int16_t> weights, int precision,
                        std::size_t size, std::uint8_t* out) {
  SILHOUETTE_DISPATCH(vertical_antialias)(rows, weights, precision, size, out);
}

void horizontal_linear(const std::uint8_t* row, const AxisWeights& axis, int begin, int end, std::int16_t* out) {
  SILHOUETTE_DISPATCH(horizontal_linear)(row, axis, begin, end, out);
}

void vertical_linear(const std::int16_t* row0, const std::int16_t* row1, std::int16_t w0, std::int16_t w1,
                     std::size_t size, std::uint8_t* out) {
  SILHOUETTE_DISPATCH(vertical_linear)(row0, row1, w0, w1, size, out);
}

std::int64_t resize_kernels_target() {
  return SILHOUETTE_DISPATCH(kernels_target)();
}

}  // namespace silhouette
#endif
