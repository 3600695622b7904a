#include "base/fma_peak.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace silhouette {
namespace {

// About a millisecond: short enough that some windows lie between two interruptions even on a busy machine.
constexpr std::uint64_t kWindowFlops = 115'200'000;
constexpr int kWindows = 200;

/// Does `rounds` × the accumulators' multiply-adds. Each accumulator is a chain; there are enough of them to cover the
/// latency of every pipe that today's cores have, and no more than there are registers.
using Chains = float (*)(std::uint64_t rounds);

struct Kernel {
  Chains run = nullptr;
  std::uint64_t flops_per_round = 0;
};

// They measure registers. Instrumented, each accumulator would be an object in memory that is looked at twice a step,
// and a window take a hundred times as long.
#define SILHOUETTE_REGISTERS_ONLY no_sanitize("thread", "address", "undefined")

#if defined(__x86_64__)

constexpr std::size_t kAvx2Chains = 12;
constexpr std::size_t kAvx512Chains = 24;

__attribute__((target("avx2,fma"), SILHOUETTE_REGISTERS_ONLY)) float run_avx2(std::uint64_t rounds) {
  const __m256 half = _mm256_set1_ps(0.5F);
  const __m256 one = _mm256_set1_ps(1.0F);
  __m256 chains[kAvx2Chains];
  for (auto& chain : chains) chain = one;
  for (std::uint64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (auto& chain : chains) chain = _mm256_fmadd_ps(chain, half, one);
  }
  __m256 sum = chains[0];
  for (const auto& chain : chains) sum = _mm256_add_ps(sum, chain);
  return _mm256_cvtss_f32(sum);
}

__attribute__((target("avx512f"), SILHOUETTE_REGISTERS_ONLY)) float run_avx512(std::uint64_t rounds) {
  const __m512 half = _mm512_set1_ps(0.5F);
  const __m512 one = _mm512_set1_ps(1.0F);
  __m512 chains[kAvx512Chains];
  for (auto& chain : chains) chain = one;
  for (std::uint64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 24
    for (auto& chain : chains) chain = _mm512_fmadd_ps(chain, half, one);
  }
  __m512 sum = chains[0];
  for (const auto& chain : chains) sum = _mm512_add_ps(sum, chain);
  return _mm512_cvtss_f32(sum);
}

Kernel kernel_of(FmaWidth width) {
  if (width == FmaWidth::kAvx2 && __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) {
    return {run_avx2, kAvx2Chains * 8 * 2};
  }
  if (width == FmaWidth::kAvx512 && __builtin_cpu_supports("avx512f") != 0) {
    return {run_avx512, kAvx512Chains * 16 * 2};
  }
  return {};
}

#elif defined(__aarch64__)

constexpr std::size_t kNeonChains = 24;

__attribute__((SILHOUETTE_REGISTERS_ONLY)) float run_neon(std::uint64_t rounds) {
  const float32x4_t half = vdupq_n_f32(0.5F);
  const float32x4_t one = vdupq_n_f32(1.0F);
  float32x4_t chains[kNeonChains];
  for (auto& chain : chains) chain = one;
  for (std::uint64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 24
    for (auto& chain : chains) chain = vfmaq_f32(one, chain, half);
  }
  float32x4_t sum = chains[0];
  for (const auto& chain : chains) sum = vaddq_f32(sum, chain);
  return vaddvq_f32(sum);
}

Kernel kernel_of(FmaWidth width) {
  if (width == FmaWidth::kNeon) return {run_neon, kNeonChains * 4 * 2};
  return {};
}

#else

Kernel kernel_of(FmaWidth /*width*/) {
  return {};
}

#endif

// A result that is kept somewhere can't be optimised away.
std::atomic<float> kept_result;

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string_view fma_width_name(FmaWidth width) noexcept {
  switch (width) {
    case FmaWidth::kNeon: return "neon";
    case FmaWidth::kAvx2: return "avx2";
    case FmaWidth::kAvx512: return "avx512";
  }
  return "";
}

std::optional<double> measure_fma_peak(FmaWidth width, int threads) {
  const Kernel kernel = kernel_of(width);
  if (kernel.run == nullptr || threads < 1) return std::nullopt;
  const std::uint64_t rounds = kWindowFlops / kernel.flops_per_round;

  double fastest = std::numeric_limits<double>::infinity();
  double start = 0;
  bool timing = false;
  // Runs on one thread, when all have come to the end of a window.
  const auto turn = [&]() noexcept {
    const double now = seconds();
    if (timing) fastest = std::min(fastest, now - start);
    timing = true;
    start = now;
  };
  std::barrier gate(threads, turn);
  const auto work = [&] {
    for (int window = 0; window < kWindows; ++window) {
      gate.arrive_and_wait();
      kept_result.store(kernel.run(rounds), std::memory_order_relaxed);
    }
    gate.arrive_and_wait();
  };
  std::vector<std::jthread> others;
  bool all = true;
  for (int i = 1; i < threads; ++i) {
    try {
      others.emplace_back(work);
    } catch (const std::system_error&) {
      all = false;
      gate.arrive_and_drop();
    }
  }
  work();
  others.clear();
  if (!all) return std::nullopt;
  return static_cast<double>(rounds * kernel.flops_per_round) * threads / fastest / 1e9;
}

}  // namespace silhouette
