#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/aligned_buffer.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Shape of a segmentation network: one float image in, one float map out.
struct NetworkShape {
  int input_height = 0;
  int input_width = 0;
  bool input_nhwc = false;  ///< otherwise NCHW
  int channels = 0;         ///< of the output
  int output_height = 0;
  int output_width = 0;
  bool output_nhwc = false;  ///< in the file; engines give planes always
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

  /// `input`: 3 × input_height × input_width floats in the shape's order. The result: channels × output_height ×
  /// output_width logits, planar. kInvalidArgument for another size, kCancelled, kInternal.
  [[nodiscard]] virtual Result<AlignedBuffer<float>> run(std::span<const float> input, std::stop_token stop) = 0;
};

}  // namespace silhouette
