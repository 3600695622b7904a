#include <cstddef>

// A test compiles the same code for any machine, under another name.
#ifdef SILHOUETTE_AVX512_FOR_ANY_MACHINE
#define SILHOUETTE_ISA avx512_for_any_machine
#else
#define SILHOUETTE_ISA avx512
#endif

namespace silhouette::kernels::SILHOUETTE_ISA {

inline constexpr std::size_t kLanes = 16;
inline constexpr std::size_t kBlock = 16;
inline constexpr bool kStepByStep = false;
#ifdef SILHOUETTE_AVX512_FOR_ANY_MACHINE
// Fewer: without the registers their code is long, and takes minutes to compile.
inline constexpr std::size_t kRowsOfOne = 5;
inline constexpr std::size_t kRowsOfTwo = 4;
#else
// Thirty-two registers: 14 × 2 sums, 2 columns, 1 value of A.
inline constexpr std::size_t kRowsOfOne = 14;
inline constexpr std::size_t kRowsOfTwo = 14;
#endif
inline constexpr std::size_t kDepth = 1024;

}  // namespace silhouette::kernels::SILHOUETTE_ISA

#include "kernels/all.hpp"
#include "kernels/isa.hpp"

namespace silhouette::kernels {

#ifdef SILHOUETTE_AVX512_FOR_ANY_MACHINE
constinit const Kernels kAvx512ForAnyMachine = avx512_for_any_machine::make_kernels("avx512, for any machine");
#else
constinit const Kernels kAvx512Kernels = avx512::make_kernels("avx512");
#endif

}  // namespace silhouette::kernels
