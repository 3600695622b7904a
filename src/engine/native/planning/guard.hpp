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

/// During one run, what no step may touch: of the arena all buffers that aren't alive, of workers' scratch all that the
/// step hasn't asked for. With AddressSanitizer a step whose lists are wrong is reported there; else this is nothing.
class Guard {
 public:
#ifdef SILHOUETTE_GUARDS_ARENA
  /// `memory`: the arena, then so many workers' scratch.
  Guard(const Plan& plan, std::span<float> memory, std::size_t workers)
      : plan_(&plan), memory_(memory), workers_(workers) {
    close(memory_);
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { open(memory_); }

  void before(std::size_t step) {
    for (std::size_t i = 0; i < plan_->buffers.size(); ++i) {
      if (plan_->is_in_arena(i) && plan_->buffers[i].life.first == step) open(floats(plan_->buffers[i]));
    }
    for (std::size_t i = 0; i < workers_; ++i) {
      const auto scratch = memory_.subspan(plan_->arena + i * plan_->scratch, plan_->scratch);
      close(scratch);
      open(scratch.first(plan_->steps[step]->scratch));
    }
  }
  void after(std::size_t step) {
    for (std::size_t i = 0; i < plan_->buffers.size(); ++i) {
      const Life& life = plan_->buffers[i].life;
      if (plan_->is_in_arena(i) && life.first <= step && life.last == step) close(floats(plan_->buffers[i]));
    }
  }

 private:
  static void close(std::span<float> floats) { ASAN_POISON_MEMORY_REGION(floats.data(), floats.size_bytes()); }
  static void open(std::span<float> floats) { ASAN_UNPOISON_MEMORY_REGION(floats.data(), floats.size_bytes()); }
  [[nodiscard]] std::span<float> floats(const Buffer& buffer) const {
    return memory_.subspan(buffer.offset, buffer.size);
  }

  const Plan* plan_;
  std::span<float> memory_;
  std::size_t workers_;
#else
  Guard(const Plan& /*plan*/, std::span<float> /*memory*/, std::size_t /*workers*/) {}
  void before(std::size_t /*step*/) {}
  void after(std::size_t /*step*/) {}
#endif
};

}  // namespace silhouette::native
