#include "silhouette/core/session.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/guard.hpp"
#include "base/pixels.hpp"
#include "base/thread_pool.hpp"
#include "engine/native/native_engine.hpp"
#include "formats/model.hpp"
#include "graph/output_range.hpp"
#include "postprocess/polygons.hpp"
#include "postprocess/rle.hpp"
#include "session/interpretation.hpp"
#include "session/pictures.hpp"
#include "session/segmenter.hpp"

namespace silhouette::core {
namespace {

constexpr int kAnyNumberOfTurns = 1 << 20;

/// Null for the engine's own choice.
Result<const kernels::Kernels*> find_kernels(std::string_view wanted) {
  if (wanted.empty()) return nullptr;
  for (const kernels::Kernels* const kernels : kernels::available_kernels()) {
    if (wanted == kernels->name) return kernels;
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("this machine has no instruction set '{}'; there are {}", wanted,
                                                       fmt::join(instruction_sets(), ", ")));
}

Result<std::vector<int>> find_channels(std::span<const int> channels, std::size_t classes) {
  std::vector<int> found(channels.begin(), channels.end());
  std::ranges::sort(found);
  found.erase(std::ranges::unique(found).begin(), found.end());
  for (const int channel : found) {
    if (channel < 0 || std::cmp_greater_equal(channel, classes))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the model has no class {}; it has 0 … {}", channel, classes - 1));
  }
  return found;
}

}  // namespace

struct Picture::Data {
  Image image;
};

struct Maps::Data {
  std::vector<std::string> labels;
  std::vector<int> classes;  ///< channels of `maps.probabilities`
  ClassMaps maps;
  Image photo;
  Foreground foreground;
  std::shared_ptr<ThreadPool> pool;  ///< for pictures
  std::vector<std::int64_t> counts;

  [[nodiscard]] Result<void> check_photo() const {
    if (!photo.pixels.empty()) return {};
    return fail(ErrorCode::kInvalidArgument, "the image wasn't kept; segment with SegmentOptions::keep_image");
  }
};

struct Session::Data {
  SessionDescription description;
  std::shared_ptr<ThreadPool> pool;
  std::unique_ptr<Segmenter> segmenter;  ///< uses the pool
};

namespace {

Result<Picture> picture_of(Result<Image> image) {
  if (!image) return std::unexpected(std::move(image.error()));
  return Picture(std::unique_ptr<Picture::Data>(new Picture::Data{std::move(*image)}));
}

/// The caller's writer as one that draws images, which what it gives is checked to be.
TextRenderer renderer_of(const TextWriter& write) {
  if (!write) return {};
  return [&write](std::string_view text, int pixel_height) -> Result<Image> {
    auto coverage = write(text, pixel_height);
    if (!coverage) return std::unexpected(std::move(coverage.error()));
    auto image = Image::create(coverage->width, coverage->height, 1);
    if (!image) return image;
    if (coverage->values.size() != image->pixels.size()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("a text of {} × {} pixels has {} values; give as many as it has pixels", coverage->width,
                              coverage->height, coverage->values.size()));
    }
    std::memcpy(image->pixels.data(), coverage->values.data(), coverage->values.size());
    return image;
  };
}

}  // namespace

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

Result<Threads> Threads::create(int count) {
  return guarded([&]() -> Result<Threads> {
    if (count < 1 || count > kMostThreads)
      return fail(ErrorCode::kInvalidArgument, fmt::format("{} threads; give 1 … {}", count, kMostThreads));
    Threads threads;
    threads.pool_ = std::make_shared<ThreadPool>(count);
    return threads;
  });
}

int Threads::count() const noexcept {
  return pool_ ? pool_->size() : 1;
}

Picture::Picture(std::unique_ptr<Data> data) noexcept : data_(std::move(data)) {}
Picture::Picture(Picture&&) noexcept = default;
Picture& Picture::operator=(Picture&&) noexcept = default;
Picture::~Picture() = default;

int Picture::width() const noexcept {
  return data_->image.width;
}
int Picture::height() const noexcept {
  return data_->image.height;
}
PixelFormat Picture::format() const noexcept {
  return static_cast<PixelFormat>(data_->image.channels);
}
std::span<const std::byte> Picture::bytes() const noexcept {
  return std::as_bytes(data_->image.pixels.span());
}

Maps::Maps(std::unique_ptr<Data> data) noexcept : data_(std::move(data)) {}
Maps::Maps(Maps&&) noexcept = default;
Maps& Maps::operator=(Maps&&) noexcept = default;
Maps::~Maps() = default;

int Maps::width() const noexcept {
  return data_->maps.width;
}
int Maps::height() const noexcept {
  return data_->maps.height;
}
std::span<const std::int32_t> Maps::argmax() const noexcept {
  return data_->maps.argmax.span();
}
std::span<const int> Maps::classes() const noexcept {
  return data_->classes;
}
std::span<const float> Maps::probability(int channel) const noexcept {
  const auto found = std::ranges::find(data_->classes, channel);
  if (found == data_->classes.end()) return {};
  return data_->maps.probabilities[static_cast<std::size_t>(found - data_->classes.begin())].span();
}
std::span<const std::int64_t> Maps::pixel_counts() const noexcept {
  return data_->counts;
}

Result<Rle> Maps::rle(int channel) const {
  return guarded([&]() -> Result<Rle> {
    if (const auto found = find_channels({&channel, 1}, data_->labels.size()); !found)
      return std::unexpected(found.error());
    return class_rle(argmax(), width(), height(), channel);
  });
}

Result<std::vector<Polygon>> Maps::polygons(int channel, double tolerance, std::int64_t min_area) const {
  return guarded([&]() -> Result<std::vector<Polygon>> {
    if (const auto found = find_channels({&channel, 1}, data_->labels.size()); !found)
      return std::unexpected(found.error());
    return class_polygons(argmax(), width(), height(), channel, {.tolerance = tolerance, .min_area = min_area});
  });
}

Result<Picture> Maps::mask() const {
  return guarded([&] { return picture_of(mask_picture(data_->maps, data_->labels.size())); });
}

Result<Picture> Maps::overlay(float opacity, const TextWriter& text) const {
  return guarded([&]() -> Result<Picture> {
    if (auto checked = data_->check_photo(); !checked) return std::unexpected(std::move(checked.error()));
    return picture_of(
        overlay_picture(data_->photo, data_->maps, data_->labels, data_->counts, opacity, renderer_of(text)));
  });
}

Result<Picture> Maps::cutout(std::span<const int> subject) const {
  return guarded([&]() -> Result<Picture> {
    if (auto checked = data_->check_photo(); !checked) return std::unexpected(std::move(checked.error()));
    const auto channels = find_channels(subject, data_->labels.size());
    if (!channels) return std::unexpected(channels.error());
    return picture_of(
        cutout_picture(data_->photo, data_->maps, data_->labels, *channels, data_->foreground, {}, *data_->pool));
  });
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
    data->pool = options.threads.pool_ ? options.threads.pool_
                                       : std::make_shared<ThreadPool>(WorkerSet::create(1, kAnyNumberOfTurns), 1);
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
    data->counts.resize(data->labels.size());
    for (const std::int32_t c : data->maps.argmax.span()) ++data->counts[static_cast<std::size_t>(c)];
    return Maps(std::move(data));
  });
}

}  // namespace silhouette::core
