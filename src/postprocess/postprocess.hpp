#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/thread_pool.hpp"
#include "base/upsampling.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// A network's output: channels × height × width floats, planar, not owned.
struct LogitsView {
  std::span<const float> values;
  int channels = 0;
  int height = 0;
  int width = 0;
  /// If set, the network's logits are these values interpolated to its size, which nobody has done yet.
  std::optional<Upsampling> pending = std::nullopt;
};

/// Per-pixel results at width × height, row by row.
struct ClassMaps {
  int width = 0;
  int height = 0;
  AlignedBuffer<std::int32_t> argmax;
  std::vector<AlignedBuffer<float>> probabilities;  ///< one for each class of interest, in the order asked for
};

/// Logits → class and probabilities of every pixel. If width × height isn't the logits' size, the logits are resized
/// bilinearly first (half-pixel centres, edges clamped: PyTorch's `interpolate(align_corners=False)`), then softmax,
/// then argmax, first of equals. Works in bands of rows: memory beyond the results doesn't grow with the image.
/// With `pending`, logits are what that interpolation makes of the values, and results are theirs up to rounding, but
/// they are never in memory as a whole: at their own size pixels are interpolated from the values directly, otherwise
/// each thread makes two rows at a time, 2 × channels × pending width floats.
/// `classes`: channel numbers, each < channels (< 2 for one channel).
/// One channel means a foreground probability p (not a logit): class 0 (background) has 1 − p, class 1 has p, argmax is
/// 1 where p > 0.5; p is resized likewise.
/// Nothing in the result is ever NaN: before they are resized, logits are brought within ±1e30, NaN to −1e30 (so a
/// pixel with nothing else is of class 0, all classes equally probable), and p within 0…1, NaN to 0; with `pending`,
/// that is the values before the first interpolation. The result doesn't depend on the number of threads.
/// kLimitExceeded, kCancelled, kInvalidArgument.
Result<ClassMaps> make_class_maps(const LogitsView& logits, int width, int height, std::span<const int> classes,
                                  ThreadPool& pool, std::stop_token stop);

}  // namespace silhouette
