#include "base/fma_peak.hpp"

#include <gtest/gtest.h>

namespace silhouette {
namespace {

TEST(FmaPeak, IsMeasuredForWhatTheProcessorHasAndNothingElse) {
#if defined(__x86_64__)
  EXPECT_EQ(measure_fma_peak(FmaWidth::kAvx2, 1).has_value(),
            __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(measure_fma_peak(FmaWidth::kAvx512, 1).has_value(), __builtin_cpu_supports("avx512f") != 0);
  EXPECT_FALSE(measure_fma_peak(FmaWidth::kNeon, 1));
#elif defined(__aarch64__)
  EXPECT_TRUE(measure_fma_peak(FmaWidth::kNeon, 1));
  EXPECT_FALSE(measure_fma_peak(FmaWidth::kAvx2, 1));
  EXPECT_FALSE(measure_fma_peak(FmaWidth::kAvx512, 1));
#endif
}

// No computer does less than this or, on one core, more: a peak beyond would mean that the work was optimised away.
TEST(FmaPeak, IsPlausible) {
  for (const auto width : kFmaWidths) {
    for (const int threads : {1, 2}) {
      const auto peak = measure_fma_peak(width, threads);
      if (!peak) continue;
      EXPECT_GT(*peak, 0.01) << fma_width_name(width) << " " << threads;
      EXPECT_LT(*peak, 1000.0 * threads) << fma_width_name(width) << " " << threads;
    }
  }
}

TEST(FmaPeak, WantsAThread) {
  for (const auto width : kFmaWidths) EXPECT_FALSE(measure_fma_peak(width, 0));
}

}  // namespace
}  // namespace silhouette
