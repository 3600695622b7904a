#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "base/instruction_set.hpp"
#include "preprocess/resize_kernels.hpp"

namespace silhouette {
namespace {

/// Run for every value of SILHOUETTE_ISA. Highway numbers instruction sets from the best up.
TEST(ResizeInstructionSet, IsWhatTheEnvironmentAsksFor) {
  const std::int64_t best = std::ranges::min(hwy::SupportedAndGeneratedTargets());
  const char* const asked = std::getenv("SILHOUETTE_ISA");
  const std::string_view name = asked == nullptr ? "" : asked;
  if (!instruction_set_limit()) {
    EXPECT_EQ(hwy::TargetName(resize_kernels_target()), hwy::TargetName(best));
  } else if (name == "portable") {
    EXPECT_EQ(hwy::TargetName(resize_kernels_target()), hwy::TargetName(HWY_STATIC_TARGET));
#ifdef __x86_64__
  } else if (name == "avx2") {
    EXPECT_EQ(hwy::TargetName(resize_kernels_target()), hwy::TargetName(HWY_AVX2));
  } else {
    EXPECT_LE(resize_kernels_target(), std::int64_t{HWY_AVX3});
#endif
  }
}

}  // namespace
}  // namespace silhouette
