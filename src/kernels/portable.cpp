#include <cstddef>

#include "base/instruction_set.hpp"

// A test compiles WebAssembly's shape of it for any machine, under another name.
#ifdef SILHOUETTE_WASM_FOR_ANY_MACHINE
#define SILHOUETTE_ISA wasm_for_any_machine
#else
#define SILHOUETTE_ISA portable
#endif

namespace silhouette::kernels::SILHOUETTE_ISA {

inline constexpr std::size_t kLanes = 4;
inline constexpr std::size_t kBlock = 8;
#if defined(__wasm__) || defined(SILHOUETTE_WASM_FOR_ANY_MACHINE)
inline constexpr bool kStepByStep = true;
// Fifteen registers: 4 × 2 sums, 2 columns, 4 values of A, 1 product. In Chromium alone 6 × 2 sums gain up to a
// twentieth; the V8 of Node 20 and 22 reads all of a step's values before it multiplies, and is half as fast with them.
inline constexpr std::size_t kRowsOfOne = 4;
inline constexpr std::size_t kRowsOfTwo = kRowsOfOne;
#else
inline constexpr bool kStepByStep = false;
#ifdef __aarch64__
// Thirty-two registers: 6 × 4 sums, 4 columns, 1 value of A.
inline constexpr std::size_t kRowsOfOne = 10;
inline constexpr std::size_t kRowsOfTwo = 6;
#else
// Sixteen registers: 3 × 4 or 6 × 2 sums, a column, 1 value of A.
inline constexpr std::size_t kRowsOfOne = 6;
inline constexpr std::size_t kRowsOfTwo = 3;
#endif
#endif
inline constexpr std::size_t kDepth = 256;

}  // namespace silhouette::kernels::SILHOUETTE_ISA

#include "kernels/all.hpp"
#include "kernels/isa.hpp"

namespace silhouette::kernels {

#ifdef SILHOUETTE_WASM_FOR_ANY_MACHINE
constinit const Kernels kWasmForAnyMachine = wasm_for_any_machine::make_kernels("wasm, for any machine");
#else
constinit const Kernels kPortableKernels = portable::make_kernels(kPortableName);
#endif

}  // namespace silhouette::kernels
