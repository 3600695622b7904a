#include <cstddef>

#include "base/instruction_set.hpp"

#define SILHOUETTE_ISA portable

namespace silhouette::kernels::portable {

inline constexpr std::size_t kLanes = 4;
inline constexpr std::size_t kBlock = 8;
#ifdef __aarch64__
// Thirty-two registers: 6 × 4 sums, 4 columns, 1 value of A.
inline constexpr std::size_t kRowsOfOne = 10;
inline constexpr std::size_t kRowsOfTwo = 6;
#else
// Sixteen registers: 3 × 4 or 6 × 2 sums, a column, 1 value of A.
inline constexpr std::size_t kRowsOfOne = 6;
inline constexpr std::size_t kRowsOfTwo = 3;
#endif
inline constexpr std::size_t kDepth = 256;

}  // namespace silhouette::kernels::portable

#include "kernels/all.hpp"
#include "kernels/isa.hpp"

namespace silhouette::kernels {

constinit const Kernels kPortableKernels = portable::make_kernels(kPortableName);

}  // namespace silhouette::kernels
