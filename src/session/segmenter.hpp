#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/buffer_pool.hpp"
#include "base/image.hpp"
#include "base/thread_pool.hpp"
#include "engine/engine.hpp"
#include "graph/output_range.hpp"
#include "postprocess/postprocess.hpp"
#include "silhouette/network_choices.hpp"
#include "silhouette/normalization.hpp"

namespace silhouette {

/// A network that is ready to run, and how its results are read.
struct Network {
  std::string name;  ///< in messages
  std::unique_ptr<Engine> engine;
  Normalization normalization;
  std::vector<std::string> labels;
  bool has_probabilities = true;  ///< false: it gives numbers of classes
  graph::OutputRange output_range = graph::OutputRange::kUnknown;
};

struct SegmentRequest {
  std::span<const int> classes{};  ///< channels whose probabilities are wanted, ascending, each of a label
  bool resize = false;             ///< maps at the image's size instead of the network's
  ResizeFilter filter = ResizeFilter::kAntialias;
  bool keep_image = false;
  std::stop_token stop{};
};

/// What a network of one channel gives: probabilities of its foreground at the network's own size.
struct Foreground {
  AlignedBuffer<float> values;  ///< empty: it isn't such a network
  int width = 0;
  int height = 0;
};

struct Segmented {
  ClassMaps maps;
  Image photo;            ///< RGB at the maps' size; empty unless it was to be kept
  Foreground foreground;  ///< likewise
  double preprocess_ms = 0;
  double network_ms = 0;
  double postprocess_ms = 0;
};

/// A turn of the pool for an engine that computes on it; none for others. kCancelled.
inline Result<std::optional<ThreadPool::Turn>> take_turn(const Engine& engine, ThreadPool& pool,
                                                         const std::stop_token& stop) {
  if (!engine.uses_pool()) return std::nullopt;
  auto turn = pool.wait_for_turn(stop);
  if (!turn) return std::unexpected(std::move(turn.error()));
  return std::optional(std::move(*turn));
}

/// Pixels → class maps and probabilities: preprocessing, network, postprocessing. Knows no files, no network and no
/// codecs. Immutable but for its pools of buffers and the engine, which guard themselves: any number of calls at once.
class Segmenter {
 public:
  /// `threads` does the work beside the engine's and must outlive this.
  Segmenter(Network network, ThreadPool& threads);

  [[nodiscard]] const Network& network() const noexcept { return network_; }

  /// kUnsupportedModel if probabilities are asked for that the network doesn't give.
  [[nodiscard]] Result<void> check(const SegmentRequest& request) const;

  /// `photo`: RGB, which is freed as early as possible. kUnsupportedModel, kLimitExceeded, kCancelled.
  [[nodiscard]] Result<Segmented> segment(Image photo, const SegmentRequest& request) const;

 private:
  [[nodiscard]] Result<BufferPool::Buffer> make_input(const Image& image) const;
  [[nodiscard]] Result<ClassMaps> make_maps(Logits& logits, int width, int height, const SegmentRequest& request,
                                            Foreground& foreground) const;

  Network network_;
  ThreadPool* threads_;
  std::shared_ptr<BufferPool> inputs_ = BufferPool::create();
  std::shared_ptr<BufferPool> scores_ = BufferPool::create();
};

}  // namespace silhouette
