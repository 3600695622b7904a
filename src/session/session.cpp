#include "silhouette/core/session.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "base/guard.hpp"
#include "base/pixels.hpp"
#include "engine/native/native_engine.hpp"
#include "formats/model.hpp"
#include "graph/output_range.hpp"
#include "session/interpretation.hpp"
#include "session/maps.hpp"
#include "session/segmenter.hpp"

namespace silhouette::core {
namespace {

/// Null for the engine's own choice.
Result<const kernels::Kernels*> find_kernels(std::string_view wanted) {
  if (wanted.empty()) return nullptr;
  for (const kernels::Kernels* const kernels : kernels::available_kernels()) {
    if (wanted == kernels->name) return kernels;
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("this machine has no instruction set '{}'; there are {}", wanted,
                                                       fmt::join(instruction_sets(), ", ")));
}

}  // namespace

struct Session::Data {
  SessionDescription description;
  std::shared_ptr<ThreadPool> pool;
  std::unique_ptr<Segmenter> segmenter;  ///< uses the pool
};

std::vector<std::string_view> instruction_sets() {
  std::vector<std::string_view> names;
  for (const kernels::Kernels* const kernels : kernels::available_kernels()) names.emplace_back(kernels->name);
  return names;
}

Threads::Threads() noexcept = default;
Threads::Threads(const Threads&) noexcept = default;
Threads::Threads(Threads&&) noexcept = default;
Threads& Threads::operator=(const Threads&) noexcept = default;
Threads& Threads::operator=(Threads&&) noexcept = default;
Threads::~Threads() = default;

Result<Threads> Threads::create(int count, std::function<void()> between) {
  return guarded([&]() -> Result<Threads> {
    if (count < 1 || count > kMostThreads)
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} threads; give 1 … {}", count, kMostThreads));
    Threads threads;
    threads.pool_ = std::make_shared<ThreadPool>(count);
    threads.pool_->call_between(std::move(between));
    return threads;
  });
}

int Threads::count() const noexcept {
  return pool_ ? pool_->size() : 1;
}

Session::Session(std::unique_ptr<Data> data) noexcept : data_(std::move(data)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<Session> Session::load(std::span<const std::byte> model, const SessionOptions& options) {
  return guarded([&]() -> Result<Session> {
    const auto kernels = find_kernels(options.instruction_set);
    if (!kernels) return std::unexpected(kernels.error());
    auto read = formats::read_model(model, options.name, {.labels = options.labels.size()});
    if (!read) return std::unexpected(std::move(read.error()));
    auto interpretation = interpret(
        *read, {.normalization = options.normalization, .labels = options.labels, .entry = nullptr}, options.name);
    if (!interpretation) return std::unexpected(std::move(interpretation.error()));
    if (options.default_normalization && interpretation->normalization.origin == "default") {
      auto otherwise = decide_normalization({}, {.normalization = options.default_normalization}, options.name);
      if (!otherwise) return std::unexpected(std::move(otherwise.error()));
      interpretation->normalization.value = otherwise->value;
    }
    if (!read->graph) {
      const formats::Fault& fault = read->graph.error();
      if (fault.code != ErrorCode::kUnsupportedModel) return fail(fault.code, fault.message);
      return fail(fault.code, fmt::format("'{}' can't be run without ExecuTorch: {}; make that part of the network of "
                                          "other operators, or use the whole library",
                                          options.name, fault.reason));
    }

    std::unique_ptr<Data> data(new Data);
    const NetworkShape& shape = read->contract->shape;
    auto& description = data->description;
    description.name = options.name;
    description.format = read->format;
    description.input_width = shape.input_width;
    description.input_height = shape.input_height;
    description.output_width = shape.output_width;
    description.output_height = shape.output_height;
    description.channels = shape.channels;
    description.labels = std::move(interpretation->labels.value);
    description.labels_origin = std::move(interpretation->labels.origin);
    description.has_probabilities = interpretation->has_probabilities;
    description.background = interpretation->background;
    description.normalization = interpretation->normalization.value;
    description.normalization_origin = std::move(interpretation->normalization.origin);
    description.operators = std::move(read->operators);

    // Who gives no threads has some of their own, and decides how many of them compute.
    data->pool = options.threads.pool_ ? options.threads.pool_ : no_threads();
    const auto range = graph::output_range(*read->graph);
    NativeOptions native;
    native.kernels = *kernels;
    native.low_memory = options.memory == MemoryUse::kLow;
    auto engine = create_native_engine(std::move(*read->graph), shape, *data->pool, native, options.name);
    if (!engine) return std::unexpected(std::move(engine.error()));
    data->segmenter = std::make_unique<Segmenter>(Network{.name = options.name,
                                                          .engine = std::move(*engine),
                                                          .normalization = description.normalization,
                                                          .labels = description.labels,
                                                          .has_probabilities = description.has_probabilities,
                                                          .output_range = range},
                                                  *data->pool);
    return Session(std::move(data));
  });
}

const SessionDescription& Session::description() const noexcept {
  return data_->description;
}

Result<Maps> Session::segment(const PixelView& image, const SegmentOptions& options) const {
  return guarded([&]() -> Result<Maps> {
    auto data = std::make_unique<Maps::Data>();
    data->labels = data_->description.labels;
    auto classes = find_channels(options.classes, data->labels.size());
    if (!classes) return std::unexpected(std::move(classes.error()));
    data->classes = std::move(*classes);
    auto photo = image_from_pixels(image);
    if (!photo) return std::unexpected(std::move(photo.error()));
    auto segmented = data_->segmenter->segment(std::move(*photo), {.classes = data->classes,
                                                                   .resize = options.resize,
                                                                   .filter = options.filter,
                                                                   .keep_image = options.keep_image,
                                                                   .stop = options.stop});
    if (!segmented) return std::unexpected(std::move(segmented.error()));
    data->maps = std::move(segmented->maps);
    data->photo = std::move(segmented->photo);
    data->foreground = std::move(segmented->foreground);
    data->pool = data_->pool;
    data->timings = {.preprocess_ms = segmented->preprocess_ms,
                     .network_ms = segmented->network_ms,
                     .postprocess_ms = segmented->postprocess_ms};
    data->count_pixels();
    return Maps(std::move(data));
  });
}

Result<std::vector<float>> Session::run(std::span<const float> planes, std::stop_token stop) const {
  return guarded([&]() -> Result<std::vector<float>> {
    Engine& engine = *data_->segmenter->network().engine;
    const auto pixels =
        static_cast<std::size_t>(engine.shape().input_height) * static_cast<std::size_t>(engine.shape().input_width);
    std::vector<float> turned;
    if (engine.shape().input_nhwc && planes.size() == 3 * pixels) {
      turned.resize(planes.size());
      for (std::size_t i = 0; i < planes.size(); ++i) turned[i % pixels * 3 + i / pixels] = planes[i];
      planes = turned;
    }
    const auto turn = take_turn(engine, *data_->pool, stop);
    if (!turn) return std::unexpected(turn.error());
    const auto logits = engine.run(planes, Tail::kWhole, stop);
    if (!logits) return std::unexpected(logits.error());
    const auto values = logits->values.span();
    return std::vector<float>(values.begin(), values.end());
  });
}

}  // namespace silhouette::core
