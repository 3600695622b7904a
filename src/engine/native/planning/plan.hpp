#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/upsampling.hpp"
#include "engine/engine.hpp"

namespace silhouette::native {

/// A place in a buffer, in floats. Buffers are numbered within their plan.
struct View {
  std::uint32_t buffer = 0;
  std::size_t offset = 0;

  [[nodiscard]] View at(std::size_t further) const noexcept { return {buffer, offset + further}; }
  bool operator==(const View&) const = default;
};

// The buffers that every plan has.
inline constexpr std::uint32_t kWeightsBuffer = 0;  ///< packed constants; read only
inline constexpr std::uint32_t kInputBuffer = 1;    ///< the caller's
inline constexpr std::uint32_t kOutputBuffer = 2;   ///< the caller's

/// Which buffers a step asked a frame for: what its lists must say.
struct Accesses {
  std::set<std::uint32_t> reads;
  std::set<std::uint32_t> writes;
};

/// Where the buffers are during one run, and a worker's own memory.
class Frame {
 public:
  Frame(std::span<float* const> bases, float* scratch, std::atomic<bool>& out_of_memory,
        Accesses* accesses = nullptr) noexcept
      : bases_(bases.data()), scratch_(scratch), out_of_memory_(&out_of_memory), accesses_(accesses) {}

  /// What a step only reads.
  [[nodiscard]] const float* from(View view) const noexcept {
    if (accesses_ != nullptr) accesses_->reads.insert(view.buffer);
    return bases_[view.buffer] + view.offset;
  }
  /// What it writes, and perhaps reads.
  [[nodiscard]] float* to(View view) const noexcept {
    if (accesses_ != nullptr) accesses_->writes.insert(view.buffer);
    return bases_[view.buffer] + view.offset;
  }
  /// Step::scratch floats that no other worker has, aligned to a cache line. A task finds there what an earlier one
  /// left.
  [[nodiscard]] float* scratch() const noexcept { return scratch_; }
  /// Tells the run that a step had no memory for its work.
  void report_out_of_memory() const noexcept { out_of_memory_->store(true, std::memory_order_relaxed); }

 private:
  float* const* bases_;
  float* scratch_;
  std::atomic<bool>* out_of_memory_;
  Accesses* accesses_;  ///< null but in tests
};

/// Part of a network's run: tasks that don't depend on each other and may run on any threads at once.
class Step {
 public:
  Step() = default;
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  virtual ~Step() = default;

  /// Does one task. What it needs for it that no other step sees is scratch: frames on the stack stay small, and
  /// nothing is allocated but by the plain interpreter.
  virtual void run(const Frame& frame, std::size_t task) const noexcept = 0;

  std::string name;  ///< "winograd product 36 × 49 × 256 → 256"
  std::size_t tasks = 1;
  std::size_t scratch = 0;         ///< floats that a worker needs for itself
  std::int64_t multiply_adds = 0;  ///< that it really does
  std::uint32_t origin = 0;        ///< node of the graph
  bool is_tail = false;            ///< not done in every run
  Tail tail = Tail::kWhole;        ///< with is_tail: the kind of run that the step belongs to
  std::vector<std::uint32_t> reads;
  std::vector<std::uint32_t> writes;
};

/// Room for values that live from one step to a later one.
struct Buffer {
  std::size_t size = 0;      ///< floats
  std::uint64_t offset = 0;  ///< in the arena
};

/// Makes packed constants: `run(destination, part)` for every part, in any order; false if memory didn't suffice.
struct Packing {
  std::size_t offset = 0;
  std::size_t parts = 1;
  std::function<bool(float*, std::size_t)> run;
};

/// The logits before the network's last resize, and that resize.
struct Pending {
  int height = 0;
  int width = 0;
  Upsampling upsampling;
};

/// What a network's run consists of. Immutable once made.
struct Plan {
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<Buffer> buffers;
  std::uint32_t output = kOutputBuffer;          ///< the buffer that the caller gives for the result
  std::uint32_t pending_output = kOutputBuffer;  ///< the same for a result whose last resize is pending
  std::optional<Pending> pending;                ///< if the network ends so that this is possible
  // Sums that may not fit into memory, nor into what counts it: they are looked at before anything is allocated.
  std::uint64_t arena = 0;    ///< floats
  std::uint64_t scratch = 0;  ///< floats a worker, in whole cache lines
  std::uint64_t weights = 0;  ///< floats

  /// Whether a buffer is in the arena.
  [[nodiscard]] bool is_in_arena(std::size_t buffer) const noexcept {
    return buffer > kOutputBuffer && buffer != output && buffer != pending_output;
  }
};

/// Gives every buffer its place in the arena: buffers that are alive at the same step don't overlap. Best fit, the
/// largest first. Sets what a worker's scratch comes to.
void place_buffers(Plan& plan);

}  // namespace silhouette::native
