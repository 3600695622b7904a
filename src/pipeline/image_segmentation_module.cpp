#include "silhouette/image_segmentation_module.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <new>
#include <utility>

#include "base/fma_peak.hpp"
#include "base/guard.hpp"
#include "image/decode.hpp"
#include "kernels/kernels.hpp"
#include "pipeline/class_ids.hpp"
#include "pipeline/loaded_model.hpp"
#include "pipeline/output_meaning.hpp"
#include "pipeline/segmentation_data.hpp"
#include "postprocess/postprocess.hpp"
#include "preprocess/preprocess.hpp"
#include "resources/source.hpp"

namespace silhouette {
namespace {

/// Milliseconds since the last call.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::milli>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

Result<void> check_stop(const std::stop_token& stop) {
  if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the segmentation was cancelled");
  return {};
}

Result<Image> decode_source(const ImageSource& source, const ForwardOptions& options, StageTimings& timings) {
  Stopwatch watch;
  if (const auto* pixels = std::get_if<PixelView>(&source.value())) {
    auto image = image_from_pixels(*pixels);
    timings.decode_ms = watch.lap();
    return image;
  }
  if (const auto* bytes = std::get_if<std::span<const std::byte>>(&source.value())) {
    auto image = decode_image(*bytes, "image bytes", options.stop);
    timings.decode_ms = watch.lap();
    return image;
  }
  const auto& text = std::get<std::string>(source.value());
  const auto bytes = read_source(text, options.stop, options.patience);
  timings.read_ms = watch.lap();
  if (!bytes) return std::unexpected(bytes.error());
  auto image = decode_image(*bytes, display_source(text), options.stop);
  timings.decode_ms = watch.lap();
  return image;
}

Result<BufferPool::Buffer> make_input(const Image& image, const LoadedModel& model) {
  const auto& shape = model.engine->shape();
  auto input = model.inputs->take(image.pixels.size(), "the network's input");
  if (!input) return input;
  const auto layout = shape.input_nhwc ? TensorLayout::kNhwc : TensorLayout::kNchw;
  normalize_image(image, model.description.normalization, layout, input->span(), *model.pool);
  return input;
}

Result<ClassMaps> make_maps(Logits& logits, int width, int height, std::span<const int> classes,
                            const LoadedModel& model, const std::stop_token& stop) {
  const auto& description = model.description;
  if (!description.has_probabilities)
    return class_maps_of_numbers(logits, description.labels.size(), width, height, description.source);
  const auto meaning = output_meaning(logits.values.span(), logits.channels, model.output_range);
  if (meaning == OutputMeaning::kClassNumbers) {
    return fail(ErrorCode::kUnsupportedModel,
                fmt::format("the one channel of '{}' holds numbers of classes, up to {}; give its labels (--labels, "
                            "LoadOptions::labels)",
                            description.source, std::ranges::max(logits.values.span())));
  }
  if (auto done = to_scores(logits, meaning, *model.scores, *model.pool); !done)
    return std::unexpected(std::move(done.error()));
  const LogitsView view{.values = logits.values.span(),
                        .channels = logits.channels,
                        .height = logits.height,
                        .width = logits.width,
                        .pending = logits.pending};
  return make_class_maps(view, width, height, classes, *model.pool, stop);
}

}  // namespace

struct ImageSegmentationModule::Impl {
  mutable std::mutex mutex;
  std::shared_ptr<LoadedModel> model;
  std::function<void(double)> progress;

  /// `impl`: none of a module that was moved from.
  [[nodiscard]] static Result<std::shared_ptr<LoadedModel>> current(const Impl* impl) {
    if (impl == nullptr) return nothing();
    const std::lock_guard lock(impl->mutex);
    if (!impl->model) return fail(ErrorCode::kModelNotLoaded, "no model is loaded; call load first");
    return impl->model;
  }

  static std::unexpected<Error> nothing() {
    return fail(ErrorCode::kLimitExceeded,
                "this module was moved from, or there was no memory for it when it was made; make another");
  }
};

ImageSegmentationModule::ImageSegmentationModule() : impl_(new (std::nothrow) Impl) {}
ImageSegmentationModule::ImageSegmentationModule(ImageSegmentationModule&&) noexcept = default;
ImageSegmentationModule& ImageSegmentationModule::operator=(ImageSegmentationModule&&) noexcept = default;
ImageSegmentationModule::~ImageSegmentationModule() = default;

void ImageSegmentationModule::on_download_progress(std::function<void(double fraction)> callback) {
  if (!impl_) return;
  const std::lock_guard lock(impl_->mutex);
  impl_->progress = std::move(callback);
}

Result<void> ImageSegmentationModule::load(ModelSource source, const LoadOptions& options) {
  return guarded([&]() -> Result<void> {
    if (!impl_) return Impl::nothing();
    std::function<void(double)> progress;
    {
      const std::lock_guard lock(impl_->mutex);
      progress = impl_->progress;
    }
    auto loaded = load_model(std::move(source), options, progress);
    if (!loaded) return std::unexpected(std::move(loaded.error()));
    // The old model is freed after the lock is released: that can take long.
    const std::lock_guard lock(impl_->mutex);
    std::swap(impl_->model, *loaded);
    return {};
  });
}

void ImageSegmentationModule::unload() noexcept {
  if (!impl_) return;
  std::shared_ptr<LoadedModel> old;
  const std::lock_guard lock(impl_->mutex);
  std::swap(impl_->model, old);
}

Result<ModelDescription> ImageSegmentationModule::description() const {
  return guarded([&]() -> Result<ModelDescription> {
    const auto model = Impl::current(impl_.get());
    if (!model) return std::unexpected(model.error());
    return (*model)->description;
  });
}

Result<Segmentation> ImageSegmentationModule::forward(const ImageSource& source,
                                                      std::span<const ClassId> classes_of_interest, bool resize) const {
  ForwardOptions options;
  options.resize = resize;
  return forward(source, classes_of_interest, options);
}

Result<Segmentation> ImageSegmentationModule::forward(const ImageSource& source,
                                                      std::span<const ClassId> classes_of_interest,
                                                      const ForwardOptions& options) const {
  return guarded([&]() -> Result<Segmentation> {
    Stopwatch total;
    const auto current = Impl::current(impl_.get());
    if (!current) return std::unexpected(current.error());
    LoadedModel& model = **current;
    const auto& shape = model.engine->shape();

    auto data = std::make_unique<detail::SegmentationData>();
    data->labels = model.description.labels;
    data->counts.resize(data->labels.size());
    auto classes = resolve_classes(classes_of_interest, data->labels);
    if (!classes) return std::unexpected(std::move(classes.error()));
    data->classes = std::move(*classes);
    if (!model.description.has_probabilities && !data->classes.empty()) {
      return fail(ErrorCode::kUnsupportedModel,
                  fmt::format("'{}' gives numbers of classes, no probabilities; ask for no classes of interest, or "
                              "export it without its argmax",
                              model.description.source));
    }
    auto& timings = data->info.timings;

    auto photo = decode_source(source, options, timings);
    if (!photo) return std::unexpected(std::move(photo.error()));
    if (auto go_on = check_stop(options.stop); !go_on) return std::unexpected(std::move(go_on.error()));
    const int width = options.resize ? photo->width : shape.output_width;
    const int height = options.resize ? photo->height : shape.output_height;
    data->info.image_width = photo->width;
    data->info.image_height = photo->height;

    // After the source was read and decoded, which others' turns needn't wait for.
    const auto turn = model.pool->wait_for_turn(options.stop);
    if (!turn) return std::unexpected(turn.error());
    Stopwatch watch;
    auto resized = resize_image(*photo, shape.input_width, shape.input_height, options.filter, *model.pool);
    if (!resized) return std::unexpected(std::move(resized.error()));
    if (options.keep_image) {
      if (photo->width == width && photo->height == height) {
        data->photo = std::move(*photo);
      } else {
        auto kept = resize_image(*photo, width, height, options.filter, *model.pool);
        if (!kept) return std::unexpected(std::move(kept.error()));
        data->photo = std::move(*kept);
      }
    }
    *photo = Image{};
    auto input = make_input(*resized, model);
    if (!input) return std::unexpected(std::move(input.error()));
    *resized = Image{};
    timings.preprocess_ms = watch.lap();

    const bool look_at_all = !model.description.has_probabilities || needs_values(shape.channels, model.output_range);
    auto logits = model.engine->run(input->span(), look_at_all ? Tail::kWhole : Tail::kPending, options.stop);
    if (!logits) return std::unexpected(std::move(logits.error()));
    *input = {};
    timings.network_ms = watch.lap();

    auto maps = make_maps(*logits, width, height, data->classes, model, options.stop);
    if (!maps) return std::unexpected(std::move(maps.error()));
    data->maps = std::move(*maps);
    timings.postprocess_ms = watch.lap();

    data->info.model = model.description.source;
    data->info.engine = model.description.engine;
    data->info.engine_reason = model.description.engine_reason;
    timings.total_ms = total.lap();
    return Segmentation(std::move(data));
  });
}

namespace {

/// A planar input in the order that the network takes; `reordered` holds it if that isn't the same.
std::span<const float> network_order(std::span<const float> input, const NetworkShape& shape,
                                     std::vector<float>& reordered) {
  if (!shape.input_nhwc || input.size() % 3 != 0) return input;
  reordered.resize(input.size());
  const std::size_t plane = input.size() / 3;
  for (std::size_t i = 0; i < plane; ++i) {
    for (std::size_t c = 0; c < 3; ++c) reordered[i * 3 + c] = input[c * plane + i];
  }
  return reordered;
}

FmaWidth widest() {
  FmaWidth result = kFmaWidths.front();
  for (const FmaWidth width : kFmaWidths) {
    if (fma_width_name(width) == kernels::best_kernels().name) result = width;
  }
  return result;
}

}  // namespace

Result<std::vector<float>> ImageSegmentationModule::run_network(std::span<const float> input,
                                                                std::stop_token stop) const {
  return guarded([&]() -> Result<std::vector<float>> {
    const auto current = Impl::current(impl_.get());
    if (!current) return std::unexpected(current.error());
    std::vector<float> reordered;
    input = network_order(input, (*current)->engine->shape(), reordered);
    const auto turn = (*current)->pool->wait_for_turn(stop);
    if (!turn) return std::unexpected(turn.error());
    auto logits = (*current)->engine->run(input, Tail::kWhole, std::move(stop));
    if (!logits) return std::unexpected(std::move(logits.error()));
    return std::vector<float>(logits->values.span().begin(), logits->values.span().end());
  });
}

Result<NetworkProfile> ImageSegmentationModule::profile_network(std::span<const float> input, int runs,
                                                                std::stop_token stop) const {
  return guarded([&]() -> Result<NetworkProfile> {
    const auto current = Impl::current(impl_.get());
    if (!current) return std::unexpected(current.error());
    std::vector<float> reordered;
    input = network_order(input, (*current)->engine->shape(), reordered);
    NetworkProfile profile;
    const auto turn = (*current)->pool->wait_for_turn(stop);
    if (!turn) return std::unexpected(turn.error());
    profile.threads = (*current)->pool->size();
    profile.peak_gflops = measure_fma_peak(widest(), profile.threads).value_or(0);
    for (int run = 0; run < std::max(runs, 1); ++run) {
      auto steps = (*current)->engine->profile(input, stop);
      if (!steps) return std::unexpected(std::move(steps.error()));
      for (std::size_t i = 0; i < steps->size(); ++i) {
        auto& step = (*steps)[i];
        if (run == 0) {
          profile.steps.push_back({std::move(step.name), step.milliseconds, step.multiply_adds});
        } else {
          profile.steps[i].milliseconds = std::min(profile.steps[i].milliseconds, step.milliseconds);
        }
      }
    }
    return profile;
  });
}

}  // namespace silhouette
