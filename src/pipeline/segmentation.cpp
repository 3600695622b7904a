#include "silhouette/segmentation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/guard.hpp"
#include "image/png.hpp"
#include "image/text.hpp"
#include "pipeline/class_ids.hpp"
#include "pipeline/segmentation_data.hpp"
#include "postprocess/render.hpp"

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

Result<void> check_photo(const detail::SegmentationData& data) {
  if (data.photo.pixels.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the photo wasn't kept; call forward with ForwardOptions::keep_image");
  }
  return {};
}

Result<std::vector<LegendLine>> make_legend(const detail::SegmentationData& data, std::span<const std::int64_t> counts,
                                            int background) {
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t c) { return counts[c] == 0 || static_cast<int>(c) == background; });
  std::ranges::sort(
      order, [&](std::size_t a, std::size_t b) { return counts[a] != counts[b] ? counts[a] > counts[b] : a < b; });
  if (order.size() > kMaxLegendLines) order.resize(kMaxLegendLines);
  const double pixels = static_cast<double>(data.maps.argmax.size());
  const int text_height = std::clamp(std::min(data.maps.width, data.maps.height) / 28, 11, 160);
  std::vector<LegendLine> lines;
  for (const std::size_t c : order) {
    const double percent = 100.0 * static_cast<double>(counts[c]) / pixels;
    auto text = render_text(fmt::format("{}  {:.1f} %", data.labels[c], percent), text_height);
    if (!text) return std::unexpected(std::move(text.error()));
    lines.push_back({voc_color(static_cast<int>(c)), std::move(*text)});
  }
  return lines;
}

}  // namespace

Segmentation::Segmentation(std::unique_ptr<detail::SegmentationData> data) noexcept : data_(std::move(data)) {}
Segmentation::Segmentation(Segmentation&&) noexcept = default;
Segmentation& Segmentation::operator=(Segmentation&&) noexcept = default;
Segmentation::~Segmentation() = default;

int Segmentation::width() const noexcept {
  return data_->maps.width;
}
int Segmentation::height() const noexcept {
  return data_->maps.height;
}
std::span<const std::string> Segmentation::labels() const noexcept {
  return data_->labels;
}
std::span<const std::int32_t> Segmentation::argmax() const noexcept {
  return data_->maps.argmax.span();
}
std::span<const int> Segmentation::classes() const noexcept {
  return data_->classes;
}
const SegmentationInfo& Segmentation::info() const noexcept {
  return data_->info;
}

Result<std::span<const float>> Segmentation::probability(const ClassId& label) const {
  return guarded([&]() -> Result<std::span<const float>> {
    const auto channel = resolve_class(label, data_->labels);
    if (!channel) return std::unexpected(channel.error());
    const auto found = std::ranges::find(data_->classes, *channel);
    if (found == data_->classes.end()) {
      const std::string name = *channel < 0 ? "ARGMAX" : data_->labels[static_cast<std::size_t>(*channel)];
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("there's no probability map of {}; name it in forward's classes of interest", name));
    }
    return data_->maps.probabilities[static_cast<std::size_t>(found - data_->classes.begin())].span();
  });
}

std::span<const std::int64_t> Segmentation::pixel_counts() const noexcept {
  std::call_once(data_->counted, [&] {
    for (const std::int32_t c : argmax()) ++data_->counts[static_cast<std::size_t>(c)];
  });
  return data_->counts;
}

Result<std::vector<std::byte>> Segmentation::mask_png() const {
  return guarded([&]() -> Result<std::vector<std::byte>> {
    constexpr std::size_t kMaxPaletteColors = 256;
    const auto& maps = data_->maps;
    if (data_->labels.size() > kMaxPaletteColors) {
      return fail(ErrorCode::kUnsupportedModel,
                  fmt::format("a palette PNG has 256 colours, the model {} classes; save the class map as .npy instead",
                              data_->labels.size()));
    }
    auto indices = Image::create(maps.width, maps.height, 1);
    if (!indices) return std::unexpected(std::move(indices.error()));
    std::ranges::transform(maps.argmax.span(), indices->pixels.data(),
                           [](std::int32_t c) { return static_cast<std::uint8_t>(c); });
    std::vector<Rgb> palette;
    for (std::size_t c = 0; c < data_->labels.size(); ++c) palette.push_back(voc_color(static_cast<int>(c)));
    return encode_palette_png(*indices, palette);
  });
}

Result<std::vector<std::byte>> Segmentation::overlay_png(const OverlayOptions& options) const {
  return guarded([&]() -> Result<std::vector<std::byte>> {
    if (!(options.opacity >= 0.0F && options.opacity <= 1.0F)) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("opacity is {}; give 0 … 1", options.opacity));
    }
    if (auto checked = check_photo(*data_); !checked) return std::unexpected(std::move(checked.error()));
    auto picture = copy_image(data_->photo);
    if (!picture) return std::unexpected(std::move(picture.error()));
    const int background = background_class(data_->labels);
    paint_classes(*picture, argmax(), background, options.opacity);
    if (options.legend) {
      auto lines = make_legend(*data_, pixel_counts(), background);
      if (!lines) return std::unexpected(std::move(lines.error()));
      draw_legend(*picture, argmax(), background, *lines);
    }
    return encode_png(*picture);
  });
}

Result<std::vector<std::byte>> Segmentation::cutout_png(std::span<const ClassId> subject) const {
  return guarded([&]() -> Result<std::vector<std::byte>> {
    if (auto checked = check_photo(*data_); !checked) return std::unexpected(std::move(checked.error()));
    auto chosen = resolve_classes(subject, data_->labels);
    if (!chosen) return std::unexpected(std::move(chosen.error()));
    const int background = background_class(data_->labels);
    if (chosen->empty() && background < 0) {
      return fail(ErrorCode::kInvalidArgument, "the model has no class BACKGROUND; name the classes to cut out");
    }
    auto alpha = AlignedBuffer<float>::create(argmax().size(), "a cut-out's alpha");
    if (!alpha) return std::unexpected(std::move(alpha.error()));
    // The class map decides: where the network is unsure, probabilities would leave everything half visible.
    std::vector<float> visible(data_->labels.size(), chosen->empty() ? 1.0F : 0.0F);
    for (const int c : *chosen) visible[static_cast<std::size_t>(c)] = 1.0F;
    if (chosen->empty()) visible[static_cast<std::size_t>(background)] = 0.0F;
    std::ranges::transform(argmax(), alpha->data(),
                           [&](std::int32_t c) { return visible[static_cast<std::size_t>(c)]; });
    soften_edges(alpha->span(), width(), height(), std::max(1, std::min(width(), height()) / kPixelsPerSoftPixel));
    auto picture = copy_image(data_->photo);
    if (!picture) return std::unexpected(std::move(picture.error()));
    auto cut = cut_out(*picture, alpha->span());
    if (!cut) return std::unexpected(std::move(cut.error()));
    return encode_png(*cut);
  });
}

}  // namespace silhouette
