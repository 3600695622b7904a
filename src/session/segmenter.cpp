#include "session/segmenter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/stopwatch.hpp"
#include "preprocess/preprocess.hpp"
#include "session/output_meaning.hpp"

namespace silhouette {
namespace {

/// The probabilities of a network's one channel.
Result<Foreground> foreground_of(const Logits& logits, OutputMeaning meaning) {
  const auto values = logits.values.span();
  auto kept = AlignedBuffer<float>::create(values.size(), "the foreground's probabilities");
  if (!kept) return std::unexpected(std::move(kept.error()));
  const bool is_score = meaning == OutputMeaning::kForegroundScore;
  std::ranges::transform(values, kept->data(), [is_score](float v) { return is_score ? 1 / (1 + std::exp(-v)) : v; });
  return Foreground{.values = std::move(*kept), .width = logits.width, .height = logits.height};
}

}  // namespace

Segmenter::Segmenter(Network network, ThreadPool& threads) : network_(std::move(network)), threads_(&threads) {}

Result<void> Segmenter::check(const SegmentRequest& request) const {
  if (network_.has_probabilities || request.classes.empty()) return {};
  return fail(
      ErrorCode::kUnsupportedModel,
      fmt::format("'{}' gives numbers of classes, no probabilities; ask for no classes of interest, or export it "
                  "without its argmax",
                  network_.name));
}

Result<BufferPool::Buffer> Segmenter::make_input(const Image& image) const {
  auto input = inputs_->take(image.pixels.size(), "the network's input");
  if (!input) return input;
  const auto layout = network_.engine->shape().input_nhwc ? TensorLayout::kNhwc : TensorLayout::kNchw;
  normalize_image(image, network_.normalization, layout, input->span(), *threads_);
  return input;
}

Result<ClassMaps> Segmenter::make_maps(Logits& logits, int width, int height, const SegmentRequest& request,
                                       Foreground& foreground) const {
  if (!network_.has_probabilities)
    return class_maps_of_numbers(logits, network_.labels.size(), width, height, network_.name);
  const auto meaning = output_meaning(logits.values.span(), logits.channels, network_.output_range);
  if (meaning == OutputMeaning::kClassNumbers) {
    return fail(ErrorCode::kUnsupportedModel,
                fmt::format("the one channel of '{}' holds numbers of classes, up to {}; give its labels (--labels, "
                            "LoadOptions::labels)",
                            network_.name, std::ranges::max(logits.values.span())));
  }
  if (request.keep_image && logits.channels == 1) {
    auto kept = foreground_of(logits, meaning);
    if (!kept) return std::unexpected(std::move(kept.error()));
    foreground = std::move(*kept);
  }
  if (auto done = to_scores(logits, meaning, *scores_, *threads_); !done)
    return std::unexpected(std::move(done.error()));
  const LogitsView view{.values = logits.values.span(),
                        .channels = logits.channels,
                        .height = logits.height,
                        .width = logits.width,
                        .pending = logits.pending};
  return make_class_maps(view, width, height, request.classes, *threads_, request.stop);
}

Result<Segmented> Segmenter::segment(Image photo, const SegmentRequest& request) const {
  if (auto checked = check(request); !checked) return std::unexpected(std::move(checked.error()));
  if (request.stop.stop_requested()) return fail(ErrorCode::kCancelled, "the segmentation was cancelled");
  const auto& shape = network_.engine->shape();
  const int width = request.resize ? photo.width : shape.output_width;
  const int height = request.resize ? photo.height : shape.output_height;
  Segmented result;

  const auto turn = take_turn(*network_.engine, *threads_, request.stop);
  if (!turn) return std::unexpected(turn.error());
  Stopwatch watch;
  auto resized = resize_image(photo, shape.input_width, shape.input_height, request.filter, *threads_);
  if (!resized) return std::unexpected(std::move(resized.error()));
  if (request.keep_image) {
    if (photo.width == width && photo.height == height) {
      result.photo = std::move(photo);
    } else {
      auto kept = resize_image(photo, width, height, request.filter, *threads_);
      if (!kept) return std::unexpected(std::move(kept.error()));
      result.photo = std::move(*kept);
    }
  }
  photo = Image{};
  auto input = make_input(*resized);
  if (!input) return std::unexpected(std::move(input.error()));
  *resized = Image{};
  result.preprocess_ms = watch.lap();

  const bool look_at_all = !network_.has_probabilities || needs_values(shape.channels, network_.output_range);
  auto logits = network_.engine->run(input->span(), look_at_all ? Tail::kWhole : Tail::kPending, request.stop);
  if (!logits) return std::unexpected(std::move(logits.error()));
  *input = {};
  result.network_ms = watch.lap();

  auto maps = make_maps(*logits, width, height, request, result.foreground);
  if (!maps) return std::unexpected(std::move(maps.error()));
  result.maps = std::move(*maps);
  result.postprocess_ms = watch.lap();
  return result;
}

}  // namespace silhouette
