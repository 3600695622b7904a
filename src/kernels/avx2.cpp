#include <cstddef>

#define SILHOUETTE_ISA avx2

namespace silhouette::kernels::avx2 {

inline constexpr std::size_t kLanes = 8;
inline constexpr std::size_t kBlock = 8;
inline constexpr bool kStepByStep = false;
// Sixteen registers: 6 × 2 sums, 2 columns, 1 value of A; with one column 12 sums hide the latency.
inline constexpr std::size_t kRowsOfOne = 12;
inline constexpr std::size_t kRowsOfTwo = 6;
inline constexpr std::size_t kDepth = 256;

}  // namespace silhouette::kernels::avx2

#include "kernels/all.hpp"
#include "kernels/isa.hpp"

namespace silhouette::kernels {

constinit const Kernels kAvx2Kernels = avx2::make_kernels("avx2");

}  // namespace silhouette::kernels
