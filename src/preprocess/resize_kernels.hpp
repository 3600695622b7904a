#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "preprocess/resize_weights.hpp"

namespace silhouette {

/// The passes of `resize_image` over rows of interleaved 8-bit RGB, for the instruction set of the machine that runs
/// them. All arithmetic is on integers and exact, so that the order of the sums doesn't matter; resize_reference.cpp
/// has the same in plain loops.

/// Bytes behind a source row that the horizontal passes may read (their value doesn't matter), and rows that
/// `horizontal_antialias` takes at once.
inline constexpr std::size_t kRowSlack = 16;
inline constexpr int kRowsAtOnce = 4;

/// Outputs [begin, end) of the axis, of 1 or kRowsAtOnce rows:
/// out[x] = clamp((½ + Σ weight × row[first + k]) >> precision). `outs` have 3 × (end − begin) bytes, no more written.
void horizontal_antialias(std::span<const std::uint8_t* const> rows, std::span<std::uint8_t* const> outs,
                          const AxisWeights& axis, int begin, int end);

/// out[i] = clamp((½ + Σ weight[k] × rows[k][i]) >> precision) for `size` bytes; `weights` as many as `rows`.
void vertical_antialias(std::span<const std::uint8_t* const> rows, std::span<const std::int16_t> weights, int precision,
                        std::size_t size, std::uint8_t* out);

/// out[x] = (Σ weight × row[first + k]) >> 4: 15 bits of the 19 of the exact value.
void horizontal_linear(const std::uint8_t* row, const AxisWeights& axis, int begin, int end, std::int16_t* out);

/// out[i] = (((w0 × row0[i]) >> 16) + ((w1 × row1[i]) >> 16) + 2) >> 2 for `size` values.
void vertical_linear(const std::int16_t* row0, const std::int16_t* row1, std::int16_t w0, std::int16_t w1,
                     std::size_t size, std::uint8_t* out);

/// Highway's number of the instruction set that runs.
std::int64_t resize_kernels_target();

}  // namespace silhouette
