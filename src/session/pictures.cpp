#include "session/pictures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "postprocess/render.hpp"
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
                             std::span<const int> subject) {
  const int background = background_class(labels);
  if (subject.empty() && background < 0) {
    return fail(ErrorCode::kInvalidArgument, "the model has no class BACKGROUND; name the classes to cut out");
  }
  auto alpha = AlignedBuffer<float>::create(maps.argmax.size(), "a cut-out's alpha");
  if (!alpha) return std::unexpected(std::move(alpha.error()));
  // The class map decides: where the network is unsure, probabilities would leave everything half visible.
  std::vector<float> visible(labels.size(), subject.empty() ? 1.0F : 0.0F);
  for (const int c : subject) visible[static_cast<std::size_t>(c)] = 1.0F;
  if (subject.empty()) visible[static_cast<std::size_t>(background)] = 0.0F;
  std::ranges::transform(maps.argmax.span(), alpha->data(),
                         [&](std::int32_t c) { return visible[static_cast<std::size_t>(c)]; });
  soften_edges(alpha->span(), maps.width, maps.height,
               std::max(1, std::min(maps.width, maps.height) / kPixelsPerSoftPixel));
  return cut_out(photo, alpha->span());
}

}  // namespace silhouette
