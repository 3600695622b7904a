// The kernels of browsers, as far as they aren't the compiler's: what this machine can test of them.
#define SILHOUETTE_WASM_FOR_ANY_MACHINE
#include "kernels/portable.cpp"  // NOLINT(bugprone-suspicious-include)
