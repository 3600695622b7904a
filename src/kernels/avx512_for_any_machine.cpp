// The blocks of AVX-512, in instructions that every machine has: what a machine without it can test of it.
#define SILHOUETTE_AVX512_FOR_ANY_MACHINE
#include "kernels/avx512.cpp"  // NOLINT(bugprone-suspicious-include)
