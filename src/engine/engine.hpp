#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer_pool.hpp"
#include "base/upsampling.hpp"
#include "graph/network_shape.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// What a run gives: channels × height × width values, planar. With `pending` they are the operand of the network's
/// last step, a resize, which is left to the caller: it may need some of the result only, or none at another size.
struct Logits {
  BufferPool::Buffer values;
  int channels = 0;
  int height = 0;
  int width = 0;
  std::optional<Upsampling> pending;
};

/// Whether a run may leave the network's last resize pending.
enum class Tail : std::uint8_t { kWhole, kPending };

struct EngineStep {
  std::string name;
  double milliseconds = 0;
  std::int64_t multiply_adds = 0;
};

/// A loaded network that is ready to run. Immutable from outside: `run` may be called from several threads at once.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual const NetworkShape& shape() const noexcept = 0;

  /// Whether runs compute on the threads of the pool that the engine was made with: who calls `run` then takes a turn
  /// of that pool first. Others have threads of their own, and their runs wait for each other: in a turn they would
  /// keep processors from those who could use them.
  [[nodiscard]] virtual bool uses_pool() const noexcept { return true; }

  /// `input`: 3 × input_height × input_width floats in the shape's order. With Tail::kPending the result may be smaller
  /// than the shape's output. kInvalidArgument for another size, kCancelled, kLimitExceeded, kInternal.
  [[nodiscard]] virtual Result<Logits> run(std::span<const float> input, Tail tail, std::stop_token stop) = 0;

  /// A whole run that notes what its steps took. kInvalidArgument for an engine that can't tell.
  [[nodiscard]] virtual Result<std::vector<EngineStep>> profile(std::span<const float> /*input*/,
                                                                std::stop_token /*stop*/) {
    return fail(ErrorCode::kInvalidArgument, "only the native engine tells what its steps take; load with it");
  }
};

}  // namespace silhouette
