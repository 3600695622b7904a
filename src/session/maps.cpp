#include "session/maps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/guard.hpp"
#include "base/pixels.hpp"
#include "postprocess/polygons.hpp"
#include "postprocess/rle.hpp"
#include "session/pictures.hpp"

namespace silhouette::core {

struct Picture::Data {
  Image image;
};

namespace {

constexpr int kAnyNumberOfTurns = 1 << 20;

template <typename T>
Result<AlignedBuffer<T>> copy_of(std::span<const T> values, const char* what) {
  auto copy = AlignedBuffer<T>::create(values.size(), what);
  if (copy) std::ranges::copy(values, copy->data());
  return copy;
}

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

std::shared_ptr<ThreadPool> no_threads() {
  return std::make_shared<ThreadPool>(WorkerSet::create(1, kAnyNumberOfTurns), 1);
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

void Maps::Data::count_pixels() {
  counts.assign(labels.size(), 0);
  for (const std::int32_t c : maps.argmax.span()) ++counts[static_cast<std::size_t>(c)];
}

Result<void> Maps::Data::check_photo() const {
  if (!photo.pixels.empty()) return {};
  return fail(ErrorCode::kInvalidArgument, "the image wasn't kept; segment with SegmentOptions::keep_image");
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

Result<Maps> Maps::from(const MapsView& view, const Threads& threads) {
  return guarded([&]() -> Result<Maps> {
    // With the limits of an image, and before anything is allocated.
    if (view.width < 1 || view.height < 1 || view.width > kMaxImageSide || view.height > kMaxImageSide ||
        std::int64_t{view.width} * view.height > kMaxImagePixels) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("there are no maps of {} × {} pixels", view.width, view.height));
    }
    const auto pixels = static_cast<std::size_t>(view.width) * static_cast<std::size_t>(view.height);
    if (view.argmax.size() != pixels) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("a class map of {} × {} pixels has {} values", view.width,
                                                           view.height, view.argmax.size()));
    }
    const auto classes = view.labels.size();
    const auto odd =
        std::ranges::find_if(view.argmax, [&](std::int32_t c) { return c < 0 || std::cmp_greater_equal(c, classes); });
    if (odd != view.argmax.end()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("a class map of {} classes has the value {}", classes, *odd));
    }
    auto data = std::make_unique<Maps::Data>();
    data->labels.assign(view.labels.begin(), view.labels.end());
    data->pool = threads.pool_ ? threads.pool_ : no_threads();
    data->maps.width = view.width;
    data->maps.height = view.height;
    auto argmax = copy_of(view.argmax, "a class map");
    if (!argmax) return std::unexpected(std::move(argmax.error()));
    data->maps.argmax = std::move(*argmax);
    if (view.image) {
      auto photo = image_from_pixels(*view.image);
      if (!photo) return std::unexpected(std::move(photo.error()));
      if (photo->width != view.width || photo->height != view.height) {
        return fail(ErrorCode::kInvalidArgument, fmt::format("the image has {} × {} pixels, its maps {} × {}",
                                                             photo->width, photo->height, view.width, view.height));
      }
      data->photo = std::move(*photo);
    }
    if (view.foreground) {
      const auto& [values, width, height] = *view.foreground;
      if (width < 1 || height < 1 || std::cmp_not_equal(std::int64_t{width} * height, values.size())) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("a foreground of {} × {} pixels has {} values", width, height, values.size()));
      }
      auto kept = copy_of(values, "the foreground's probabilities");
      if (!kept) return std::unexpected(std::move(kept.error()));
      data->foreground = {.values = std::move(*kept), .width = width, .height = height};
    }
    data->count_pixels();
    return Maps(std::move(data));
  });
}

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

std::optional<PixelView> Maps::image() const noexcept {
  const Image& photo = data_->photo;
  if (photo.pixels.empty()) return std::nullopt;
  return PixelView{.bytes = std::as_bytes(photo.pixels.span()), .width = photo.width, .height = photo.height};
}
std::optional<ForegroundView> Maps::foreground() const noexcept {
  const Foreground& foreground = data_->foreground;
  if (foreground.values.empty()) return std::nullopt;
  return ForegroundView{.values = foreground.values.span(), .width = foreground.width, .height = foreground.height};
}
Timings Maps::timings() const noexcept {
  return data_->timings;
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

Result<Picture> Maps::cutout(std::span<const int> subject, const Background& background) const {
  return guarded([&]() -> Result<Picture> {
    if (auto checked = data_->check_photo(); !checked) return std::unexpected(std::move(checked.error()));
    const auto channels = find_channels(subject, data_->labels.size());
    if (!channels) return std::unexpected(channels.error());
    Backdrop backdrop;
    Image scene;
    if (const auto* const color = std::get_if<Color>(&background)) {
      backdrop = *color;
    } else if (const auto* const blur = std::get_if<Blur>(&background)) {
      backdrop = silhouette::Blur{blur->share};
    } else if (const auto* const pixels = std::get_if<PixelView>(&background)) {
      auto image = image_from_pixels(*pixels);
      if (!image) return std::unexpected(std::move(image.error()));
      scene = std::move(*image);
      backdrop = Scene{&scene};
    }
    return picture_of(
        cutout_picture(data_->photo, data_->maps, data_->labels, *channels, data_->foreground, backdrop, *data_->pool));
  });
}

}  // namespace silhouette::core
