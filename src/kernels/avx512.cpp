#include <cstddef>

#define SILHOUETTE_ISA avx512

namespace silhouette::kernels::avx512 {

inline constexpr std::size_t kLanes = 16;
inline constexpr std::size_t kBlock = 16;
// Thirty-two registers: 14 × 2 sums, 2 columns, 1 value of A.
inline constexpr std::size_t kRowsOfOne = 14;
inline constexpr std::size_t kRowsOfTwo = 14;
inline constexpr std::size_t kDepth = 512;

}  // namespace silhouette::kernels::avx512

#include "kernels/all.hpp"
#include "kernels/isa.hpp"

namespace silhouette::kernels {

constinit const Kernels kAvx512Kernels = avx512::make_kernels("avx512");

}  // namespace silhouette::kernels
