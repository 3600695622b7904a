#include "silhouette/segmentation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/guard.hpp"
#include "base/processors.hpp"
#include "image/png.hpp"
#include "image/text.hpp"
#include "pipeline/class_ids.hpp"
#include "pipeline/decode_source.hpp"
#include "pipeline/segmentation_data.hpp"
#include "pipeline/shared_workers.hpp"
#include "postprocess/render.hpp"
#include "session/pictures.hpp"

namespace silhouette {
namespace {

Result<void> check_photo(const detail::SegmentationData& data) {
  if (data.photo.pixels.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the photo wasn't kept; call forward with ForwardOptions::keep_image");
  }
  return {};
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
    const auto indices = mask_picture(data_->maps, data_->labels.size());
    if (!indices) return std::unexpected(indices.error());
    std::vector<Rgb> palette;
    for (std::size_t c = 0; c < data_->labels.size(); ++c) palette.push_back(voc_color(static_cast<int>(c)));
    return encode_palette_png(*indices, palette);
  });
}

Result<std::vector<std::byte>> Segmentation::overlay_png(const OverlayOptions& options) const {
  return guarded([&]() -> Result<std::vector<std::byte>> {
    if (auto checked = check_photo(*data_); !checked) return std::unexpected(std::move(checked.error()));
    const auto picture = overlay_picture(data_->photo, data_->maps, data_->labels, pixel_counts(), options.opacity,
                                         options.legend ? TextRenderer(render_text) : TextRenderer());
    if (!picture) return std::unexpected(picture.error());
    return encode_png(*picture);
  });
}

Result<std::vector<std::byte>> Segmentation::cutout_png(std::span<const ClassId> subject) const {
  return cutout_png(subject, Background());
}

Result<std::vector<std::byte>> Segmentation::cutout_png(std::span<const ClassId> subject,
                                                        const Background& background) const {
  return guarded([&]() -> Result<std::vector<std::byte>> {
    if (auto checked = check_photo(*data_); !checked) return std::unexpected(std::move(checked.error()));
    auto chosen = resolve_classes(subject, data_->labels);
    if (!chosen) return std::unexpected(std::move(chosen.error()));
    Backdrop backdrop;
    Image scene;
    if (const auto* const color = std::get_if<Color>(&background.value())) backdrop = *color;
    if (const auto* const share = std::get_if<double>(&background.value())) backdrop = Blur{*share};
    if (const auto* const source = std::get_if<ImageSource>(&background.value())) {
      auto decoded = decode_source(*source, {}, {}, nullptr);
      if (!decoded) return std::unexpected(std::move(decoded.error()));
      scene = std::move(*decoded);
      backdrop = Scene{&scene};
    }
    ThreadPool pool(shared_workers(), available_processors());
    const auto cut =
        cutout_picture(data_->photo, data_->maps, data_->labels, *chosen, data_->foreground, backdrop, pool);
    if (!cut) return std::unexpected(cut.error());
    return encode_png(*cut);
  });
}

}  // namespace silhouette
