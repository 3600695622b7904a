#include "silhouette/image_segmentation_module.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

#include "base/fma_peak.hpp"
#include "base/guard.hpp"
#include "base/stopwatch.hpp"
#include "kernels/kernels.hpp"
#include "pipeline/class_ids.hpp"
#include "pipeline/decode_source.hpp"
#include "pipeline/loaded_model.hpp"
#include "pipeline/segmentation_data.hpp"

namespace silhouette {
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
    const LoadedModel& model = **current;

    auto data = std::make_unique<detail::SegmentationData>();
    data->labels = model.description.labels;
    data->counts.resize(data->labels.size());
    auto classes = resolve_classes(classes_of_interest, data->labels);
    if (!classes) return std::unexpected(std::move(classes.error()));
    data->classes = std::move(*classes);
    const SegmentRequest request{.classes = data->classes,
                                 .resize = options.resize,
                                 .filter = options.filter,
                                 .keep_image = options.keep_image,
                                 .stop = options.stop};
    // Before the image is fetched.
    if (auto checked = model.segmenter->check(request); !checked) return std::unexpected(std::move(checked.error()));
    auto& timings = data->info.timings;

    auto photo = decode_source(source, options.patience, options.stop, &timings);
    if (!photo) return std::unexpected(std::move(photo.error()));
    data->info.image_width = photo->width;
    data->info.image_height = photo->height;
    auto segmented = model.segmenter->segment(std::move(*photo), request);
    if (!segmented) return std::unexpected(std::move(segmented.error()));
    data->maps = std::move(segmented->maps);
    data->photo = std::move(segmented->photo);
    data->foreground = std::move(segmented->foreground);
    timings.preprocess_ms = segmented->preprocess_ms;
    timings.network_ms = segmented->network_ms;
    timings.postprocess_ms = segmented->postprocess_ms;

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
    input = network_order(input, (*current)->engine().shape(), reordered);
    const auto turn = take_turn((*current)->engine(), *(*current)->pool, stop);
    if (!turn) return std::unexpected(turn.error());
    auto logits = (*current)->engine().run(input, Tail::kWhole, std::move(stop));
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
    input = network_order(input, (*current)->engine().shape(), reordered);
    NetworkProfile profile;
    const auto turn = take_turn((*current)->engine(), *(*current)->pool, stop);
    if (!turn) return std::unexpected(turn.error());
    profile.threads = (*current)->pool->size();
    profile.peak_gflops = measure_fma_peak(widest(), profile.threads).value_or(0);
    for (int run = 0; run < std::max(runs, 1); ++run) {
      auto steps = (*current)->engine().profile(input, stop);
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
