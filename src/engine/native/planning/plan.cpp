#include "engine/native/planning/plan.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace silhouette::native {
namespace {

/// A cache line's worth of floats, also a multiple of every block.
constexpr std::uint64_t kAlignment = 16;

struct Life {
  std::size_t first = std::numeric_limits<std::size_t>::max();
  std::size_t last = 0;

  [[nodiscard]] bool meets(const Life& other) const noexcept { return first <= other.last && other.first <= last; }
};

std::vector<Life> lives(const Plan& plan) {
  std::vector<Life> result(plan.buffers.size());
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    for (const auto* const list : {&plan.steps[i]->reads, &plan.steps[i]->writes}) {
      for (const std::uint32_t buffer : *list) {
        result[buffer].first = std::min(result[buffer].first, i);
        result[buffer].last = std::max(result[buffer].last, i);
      }
    }
  }
  return result;
}

}  // namespace

void place_buffers(Plan& plan) {
  for (const auto& step : plan.steps) plan.scratch = std::max<std::uint64_t>(plan.scratch, step->scratch);
  plan.scratch = (plan.scratch + kAlignment - 1) / kAlignment * kAlignment;
  const std::vector<Life> life = lives(plan);
  std::vector<std::size_t> order(plan.buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return !plan.is_in_arena(i); });
  // The largest first, of equals the first.
  const auto size_of = [&](std::size_t i) { return plan.buffers[i].size; };
  std::ranges::sort(
      order, [&](std::size_t a, std::size_t b) { return size_of(a) != size_of(b) ? size_of(a) > size_of(b) : a < b; });

  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t i : order) {
    Buffer& buffer = plan.buffers[i];
    const std::uint64_t size = (buffer.size + kAlignment - 1) / kAlignment * kAlignment;
    std::uint64_t best = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t best_gap = best;
    std::uint64_t end = 0;  // of what lives at the same time and lies before
    for (const std::size_t j : placed) {
      const Buffer& other = plan.buffers[j];
      if (!life[i].meets(life[j])) continue;
      if (other.offset >= end) {
        const std::uint64_t gap = other.offset - end;
        if (gap >= size && gap < best_gap) {
          best = end;
          best_gap = gap;
        }
      }
      end = std::max(end, other.offset + (other.size + kAlignment - 1) / kAlignment * kAlignment);
    }
    buffer.offset = best_gap == std::numeric_limits<std::uint64_t>::max() ? end : best;
    plan.arena = std::max(plan.arena, buffer.offset + size);
    placed.insert(
        std::ranges::upper_bound(placed, buffer.offset, {}, [&](std::size_t j) { return plan.buffers[j].offset; }), i);
  }
}

}  // namespace silhouette::native
