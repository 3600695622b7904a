#include "session/pictures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "postprocess/backdrop.hpp"
#include "postprocess/foreground_colors.hpp"
#include "postprocess/guided_filter.hpp"
#include "postprocess/render.hpp"
#include "preprocess/preprocess.hpp"
#include "session/interpretation.hpp"

namespace silhouette {
namespace {

/// A legend with more lines than this hides more than it tells; the classes with most pixels are kept.
constexpr std::size_t kMaxLegendLines = 12;

/// A cut-out's edge fades over about four pixels in a photo of 800, and in proportion in larger ones.
constexpr int kPixelsPerSoftPixel = 800;

Result<Image> copy_image(const Image& image) {
  auto copy = Image::create(image.width, image.height, image.channels);
  if (copy) std::memcpy(copy->pixels.data(), image.pixels.data(), image.pixels.size());
  return copy;
}

Result<std::vector<LegendLine>> make_legend(const ClassMaps& maps, std::span<const std::string> labels,
                                            std::span<const std::int64_t> counts, int background,
                                            const TextRenderer& render) {
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t c) { return counts[c] == 0 || static_cast<int>(c) == background; });
  std::ranges::sort(
      order, [&](std::size_t a, std::size_t b) { return counts[a] != counts[b] ? counts[a] > counts[b] : a < b; });
  if (order.size() > kMaxLegendLines) order.resize(kMaxLegendLines);
  const double pixels = static_cast<double>(maps.argmax.size());
  const int text_height = std::clamp(std::min(maps.width, maps.height) / 28, 11, 160);
  std::vector<LegendLine> lines;
  for (const std::size_t c : order) {
    const double percent = 100.0 * static_cast<double>(counts[c]) / pixels;
    auto text = render(fmt::format("{}  {:.1f} %", labels[c], percent), text_height);
    if (!text) return std::unexpected(std::move(text.error()));
    lines.push_back({voc_color(static_cast<int>(c)), std::move(*text)});
  }
  return lines;
}

struct Cut {
  Image picture;  ///< RGBA
  AlignedBuffer<float> alpha;
};

/// The class map decides: where a network of many classes is unsure, probabilities would leave everything half visible.
Result<Cut> cut_by_classes(const Image& photo, const ClassMaps& maps, std::span<const float> visible) {
  auto alpha = AlignedBuffer<float>::create(maps.argmax.size(), "a cut-out's alpha");
  if (!alpha) return std::unexpected(std::move(alpha.error()));
  std::ranges::transform(maps.argmax.span(), alpha->data(),
                         [&](std::int32_t c) { return visible[static_cast<std::size_t>(c)]; });
  soften_edges(alpha->span(), maps.width, maps.height,
               std::max(1, std::min(maps.width, maps.height) / kPixelsPerSoftPixel));
  auto picture = cut_out(photo, alpha->span());
  if (!picture) return std::unexpected(std::move(picture.error()));
  return Cut{.picture = std::move(*picture), .alpha = std::move(*alpha)};
}

/// The foreground's probabilities decide, or `inverted` the background's: edges follow the photo, and its background's
/// colours are taken out of them.
Result<Cut> cut_by_foreground(const Image& photo, const Foreground& foreground, bool inverted, ThreadPool& pool) {
  AlignedBuffer<float> rest;
  ProbabilityView view{.values = foreground.values.span(), .width = foreground.width, .height = foreground.height};
  if (inverted) {
    auto made = AlignedBuffer<float>::create(foreground.values.size(), "the background's probabilities");
    if (!made) return std::unexpected(std::move(made.error()));
    rest = std::move(*made);
    std::ranges::transform(view.values, rest.data(), [](float p) { return 1 - p; });
    view.values = rest.span();
  }
  auto alpha = guided_alpha(view, photo, {}, pool, {});
  if (!alpha) return std::unexpected(std::move(alpha.error()));
  auto colors = copy_image(photo);
  if (!colors) return std::unexpected(std::move(colors.error()));
  auto estimated = estimate_foreground(*colors, alpha->span(), guided_radius(view, photo, {}), pool, {});
  if (!estimated) return std::unexpected(std::move(estimated.error()));
  auto picture = cut_out(*colors, alpha->span());
  if (!picture) return std::unexpected(std::move(picture.error()));
  return Cut{.picture = std::move(*picture), .alpha = std::move(*alpha)};
}

Result<Cut> cut(const Image& photo, const ClassMaps& maps, std::span<const std::string> labels,
                std::span<const int> subject, const Foreground& foreground, ThreadPool& pool) {
  const int background = background_class(labels);
  if (subject.empty() && background < 0) {
    return fail(ErrorCode::kInvalidArgument, "the model has no class BACKGROUND; name the classes to cut out");
  }
  std::vector<float> visible(labels.size(), subject.empty() ? 1.0F : 0.0F);
  for (const int c : subject) visible[static_cast<std::size_t>(c)] = 1.0F;
  if (subject.empty()) visible[static_cast<std::size_t>(background)] = 0.0F;
  // Of the two classes that one channel makes, the second is the foreground.
  const bool is_soft = !foreground.values.empty() && visible.size() == 2 && visible[0] != visible[1];
  return is_soft ? cut_by_foreground(photo, foreground, visible[0] > visible[1], pool)
                 : cut_by_classes(photo, maps, visible);
}

/// The middle of a picture that has the photo's proportions, at the photo's size.
Result<Image> covering(const Image& picture, int width, int height, ThreadPool& pool) {
  const auto scaled = [](std::int64_t side, std::int64_t to, std::int64_t from) {
    return static_cast<int>(std::max<std::int64_t>(1, side * to / from));
  };
  const bool is_wider = std::int64_t{picture.width} * height > std::int64_t{picture.height} * width;
  const int part_width = is_wider ? scaled(picture.height, width, height) : picture.width;
  const int part_height = is_wider ? picture.height : scaled(picture.width, height, width);
  auto part = Image::create(part_width, part_height, 3);
  if (!part) return part;
  const auto left = static_cast<std::size_t>((picture.width - part_width) / 2);
  const int top = (picture.height - part_height) / 2;
  for (int y = 0; y < part_height; ++y) {
    std::memcpy(part->row(y), picture.row(top + y) + 3 * left, static_cast<std::size_t>(part_width) * 3);
  }
  return resize_image(*part, width, height, ResizeFilter::kAntialias, pool);
}

Result<Image> put_before(Cut& cut, const Image& photo, const Backdrop& backdrop, ThreadPool& pool) {
  if (const auto* const color = std::get_if<Color>(&backdrop)) return lay_over(cut.picture, *color);
  if (const auto* const blur = std::get_if<Blur>(&backdrop)) {
    if (!(blur->share > 0 && blur->share <= 1))
      return fail(ErrorCode::kInvalidArgument, fmt::format("a background's blur is {}; give above 0 … 1", blur->share));
    auto behind = copy_image(photo);
    if (!behind) return behind;
    const int radius = std::max(1, static_cast<int>(blur->share * std::max(photo.width, photo.height)));
    if (auto done = blur_background(*behind, cut.alpha.span(), radius, pool, {}); !done)
      return std::unexpected(std::move(done.error()));
    return lay_over(cut.picture, *behind);
  }
  if (const auto* const scene = std::get_if<Scene>(&backdrop)) {
    const auto behind = covering(*scene->image, photo.width, photo.height, pool);
    if (!behind) return std::unexpected(behind.error());
    return lay_over(cut.picture, *behind);
  }
  return std::move(cut.picture);
}

}  // namespace

Result<Image> mask_picture(const ClassMaps& maps, std::size_t classes) {
  constexpr std::size_t kMostClasses = 256;
  if (classes > kMostClasses) {
    return fail(ErrorCode::kUnsupportedModel,
                fmt::format("a palette PNG has 256 colours, the model {} classes; save the class map as .npy instead",
                            classes));
  }
  auto indices = Image::create(maps.width, maps.height, 1);
  if (!indices) return indices;
  std::ranges::transform(maps.argmax.span(), indices->pixels.data(),
                         [](std::int32_t c) { return static_cast<std::uint8_t>(c); });
  return indices;
}

Result<Image> overlay_picture(const Image& photo, const ClassMaps& maps, std::span<const std::string> labels,
                              std::span<const std::int64_t> counts, float opacity, const TextRenderer& text) {
  if (!(opacity >= 0.0F && opacity <= 1.0F))
    return fail(ErrorCode::kInvalidArgument, fmt::format("opacity is {}; give 0 … 1", opacity));
  auto picture = copy_image(photo);
  if (!picture) return picture;
  const int background = background_class(labels);
  paint_classes(*picture, maps.argmax.span(), background, opacity);
  if (text) {
    auto lines = make_legend(maps, labels, counts, background, text);
    if (!lines) return std::unexpected(std::move(lines.error()));
    draw_legend(*picture, maps.argmax.span(), background, *lines);
  }
  return picture;
}

Result<Image> cutout_picture(const Image& photo, const ClassMaps& maps, std::span<const std::string> labels,
                             std::span<const int> subject, const Foreground& foreground, const Backdrop& backdrop,
                             ThreadPool& pool) {
  auto made = cut(photo, maps, labels, subject, foreground, pool);
  if (!made) return std::unexpected(std::move(made.error()));
  return put_before(*made, photo, backdrop, pool);
}

}  // namespace silhouette
