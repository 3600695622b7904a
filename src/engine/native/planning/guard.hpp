#pragma once

#include <cstddef>
#include <span>

#include "engine/native/planning/plan.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SILHOUETTE_GUARDS_ARENA
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SILHOUETTE_GUARDS_ARENA
#endif
#ifdef SILHOUETTE_GUARDS_ARENA
#include <sanitizer/asan_interface.h>
#endif

namespace silhouette::native {

/// During one run, what a step may touch: of the arena the buffers that it says it reads or writes, of workers' scratch
/// what it has asked for. With AddressSanitizer a step whose lists are wrong is reported unless what it touches happens
/// to lie within a buffer of its own; else this is nothing.
class Guard {
 public:
#ifdef SILHOUETTE_GUARDS_ARENA
  /// `memory`: the arena, then so many workers' scratch.
  Guard(const Plan& plan, std::span<float> memory, std::size_t workers)
      : plan_(&plan), memory_(memory), workers_(workers) {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { open(memory_); }

  void before(const Step& step) {
    ASAN_POISON_MEMORY_REGION(memory_.data(), memory_.size_bytes());
    for (const auto* const list : {&step.reads, &step.writes}) {
      for (const std::uint32_t buffer : *list) {
        if (plan_->is_in_arena(buffer))
          open(memory_.subspan(plan_->buffers[buffer].offset, plan_->buffers[buffer].size));
      }
    }
    for (std::size_t i = 0; i < workers_; ++i) open(memory_.subspan(plan_->arena + i * plan_->scratch, step.scratch));
  }

 private:
  static void open(std::span<float> floats) { ASAN_UNPOISON_MEMORY_REGION(floats.data(), floats.size_bytes()); }

  const Plan* plan_;
  std::span<float> memory_;
  std::size_t workers_;
#else
  Guard(const Plan& /*plan*/, std::span<float> /*memory*/, std::size_t /*workers*/) {}
  void before(const Step& /*step*/) {}
#endif
};

}  // namespace silhouette::native
