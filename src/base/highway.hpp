// Which of the functions that Highway compiled for several instruction sets runs: the best, within SILHOUETTE_ISA's
// limit.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/instruction_set.hpp"
#include "hwy/highway.h"

namespace silhouette {

/// Place in Highway's tables, which list the best first. Other users of Highway in this process keep their own.
inline std::size_t highway_index() noexcept {
  static const std::size_t limit = [] -> std::size_t {
    const auto set = instruction_set_limit();
    if (!set) return 0;
    hwy::ChosenTarget target;
#ifdef __x86_64__
    if (*set == InstructionSet::kAvx512) return 0;
    target.Update(*set == InstructionSet::kAvx2 ? HWY_AVX2 : HWY_STATIC_TARGET);
#else
    target.Update(HWY_STATIC_TARGET);
#endif
    return target.GetIndex();
  }();
  hwy::ChosenTarget& best = hwy::GetChosenTarget();
  if (!best.IsInitialized()) best.Update(hwy::SupportedTargets());
  return std::max(best.GetIndex(), limit);
}

}  // namespace silhouette

// As HWY_DYNAMIC_DISPATCH. Where one set is all there is, there are no tables.
#if HWY_IDE || ((HWY_TARGETS & (HWY_TARGETS - 1)) == 0)
#define SILHOUETTE_DISPATCH(function) HWY_STATIC_DISPATCH(function)
#else
#define SILHOUETTE_DISPATCH(function) (*(HWY_DISPATCH_TABLE(function)[silhouette::highway_index()]))
#endif
