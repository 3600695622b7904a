// Included by the file of each instruction set, after simd.hpp's macros and constants.
#pragma once

#include "kernels/depthwise/row.hpp"
#include "kernels/elementwise/rows.hpp"
#include "kernels/gemm/tile.hpp"
#include "kernels/layout/matrix.hpp"
#include "kernels/layout/planes.hpp"
#include "kernels/pool/row.hpp"
#include "kernels/resize/row.hpp"
#include "kernels/softmax/rows.hpp"
#include "kernels/winograd/lines.hpp"

namespace silhouette::kernels::SILHOUETTE_ISA {

constexpr Kernels make_kernels(const char* name) noexcept {
  Kernels kernels;
  kernels.name = name;
  kernels.block = kBlock;
  kernels.depth = kDepth;
  kernels.tile_rows[0] = kRowsOfOne;
  kernels.tile_rows[1] = kRowsOfTwo;
  fill_tiles<kRowsOfOne, 1>(kernels);
  fill_tiles<kRowsOfTwo, 2>(kernels);
  fill_lines(kernels);
  kernels.depthwise = depthwise;
  kernels.pool = pool;
  kernels.binary = binary;
  kernels.binary_values = binary_values;
  kernels.unary_values = unary_values;
  kernels.softmax_pixels = softmax_pixels;
  kernels.softmax_values = softmax_values;
  kernels.resize = resize;
  kernels.resize_planes = resize_planes;
  kernels.to_planes = to_planes;
  kernels.transpose_matrix = transpose_matrix;
  kernels.average = average;
  kernels.combine = combine;
  kernels.strassen_sums = strassen_sums;
  return kernels;
}

}  // namespace silhouette::kernels::SILHOUETTE_ISA
