#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "postprocess/render.hpp"

namespace silhouette {
namespace {

using Color = std::array<std::uint8_t, 3>;

constexpr Color kBoxColor{20, 20, 24};
constexpr Color kWhite{255, 255, 255};
constexpr float kBoxOpacity = 0.75F;
constexpr float kSwatchBorderOpacity = 0.85F;
constexpr float kMaxShareOfWidth = 0.6F;  ///< of the photo that the box may take
constexpr float kMaxShareOfHeight = 0.8F;
constexpr float kMinTextHeight = 7.0F;  ///< pixels; smaller isn't read

struct Rectangle {
  int x;
  int y;
  int width;
  int height;
};

void blend(std::uint8_t* pixel, Color color, float opacity) {
  for (std::size_t i = 0; i < 3; ++i) {
    const float value = pixel[i];
    pixel[i] = static_cast<std::uint8_t>(value + (color[i] - value) * opacity + 0.5F);
  }
}

/// A filled rectangle with rounded, anti-aliased corners. It must lie within the photo.
void fill_rounded(Image& photo, Rectangle box, float radius, Color color, float opacity) {
  const float half_width = static_cast<float>(box.width) / 2;
  const float half_height = static_cast<float>(box.height) / 2;
  for (int y = 0; y < box.height; ++y) {
    std::uint8_t* const row = photo.row(box.y + y) + 3 * static_cast<std::size_t>(box.x);
    const float dy = std::abs(static_cast<float>(y) + 0.5F - half_height) - (half_height - radius);
    for (int x = 0; x < box.width; ++x) {
      const float dx = std::abs(static_cast<float>(x) + 0.5F - half_width) - (half_width - radius);
      const float covered = dx > 0 && dy > 0 ? std::clamp(radius + 0.5F - std::hypot(dx, dy), 0.0F, 1.0F) : 1.0F;
      blend(row + 3 * static_cast<std::size_t>(x), color, opacity * covered);
    }
  }
}

/// The source range that one of `to` pixels stands for, and the share of source pixel i that lies in it.
struct Range {
  float begin;
  float end;
  Range(int pixel, int from, int to)
      : begin(static_cast<float>(pixel) * static_cast<float>(from) / static_cast<float>(to)),
        end(static_cast<float>(pixel + 1) * static_cast<float>(from) / static_cast<float>(to)) {}
  [[nodiscard]] int first() const { return static_cast<int>(begin); }
  [[nodiscard]] int last(int from) const { return std::min(from, static_cast<int>(std::ceil(end))); }
  [[nodiscard]] float share(int i) const {
    return std::max(0.0F, std::min(end, static_cast<float>(i + 1)) - std::max(begin, static_cast<float>(i)));
  }
};

/// Draws coverage scaled down by `scale` ≤ 1: each pixel is the mean of the area that it stands for.
void draw_text(Image& photo, const Image& text, int left, int top, float scale) {
  const int width = std::max(1, static_cast<int>(static_cast<float>(text.width) * scale));
  const int height = std::max(1, static_cast<int>(static_cast<float>(text.height) * scale));
  for (int y = 0; y < height; ++y) {
    const Range rows(y, text.height, height);
    std::uint8_t* const row = photo.row(top + y) + 3 * static_cast<std::size_t>(left);
    for (int x = 0; x < width; ++x) {
      const Range columns(x, text.width, width);
      float sum = 0;
      for (int v = rows.first(); v < rows.last(text.height); ++v) {
        for (int u = columns.first(); u < columns.last(text.width); ++u) {
          sum += text.row(v)[u] * rows.share(v) * columns.share(u);
        }
      }
      const float area = (rows.end - rows.begin) * (columns.end - columns.begin);
      blend(row + 3 * static_cast<std::size_t>(x), kWhite, std::min(1.0F, sum / (255 * area)));
    }
  }
}

std::int64_t hidden_pixels(std::span<const std::int32_t> argmax, int width, int background, Rectangle box) {
  std::int64_t hidden = 0;
  for (int y = box.y; y < box.y + box.height; ++y) {
    const std::int32_t* const row = argmax.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
    hidden += box.width - std::count(row + box.x, row + box.x + box.width, background);
  }
  return hidden;
}

/// Measures of the legend, pixels.
struct Layout {
  float scale = 1;  ///< of the texts
  int line_height = 0;
  int pitch = 0;    ///< from line to line
  int padding = 0;  ///< between the box's edge and its content
  int swatch = 0;
  int gap = 0;     ///< between swatch and text
  int margin = 0;  ///< between the photo's edge and the box
  int width = 0;
  int height = 0;

  Layout(std::span<const LegendLine> lines, float scale_) : scale(scale_) {
    int text_width = 1;
    int text_height = 1;
    for (const LegendLine& line : lines) {
      text_width = std::max(text_width, line.text.width);
      text_height = std::max(text_height, line.text.height);
    }
    const float em = static_cast<float>(text_height) * scale;
    const auto measure = [](float value) { return std::max(1, static_cast<int>(std::lround(value))); };
    line_height = measure(em);
    pitch = measure(1.2F * em);
    padding = measure(0.5F * em);
    swatch = measure(0.75F * em);
    gap = measure(0.45F * em);
    margin = measure(0.5F * em);
    width = 2 * padding + swatch + gap + measure(static_cast<float>(text_width) * scale);
    height = 2 * padding + (static_cast<int>(lines.size()) - 1) * pitch + line_height;
  }
};

}  // namespace

void draw_legend(Image& photo, std::span<const std::int32_t> argmax, int background,
                 std::span<const LegendLine> lines) {
  const std::size_t pixels = static_cast<std::size_t>(photo.width) * static_cast<std::size_t>(photo.height);
  if (lines.empty() || photo.channels != 3 || argmax.size() != pixels) return;

  Layout layout(lines, 1.0F);
  const float fit = std::min(kMaxShareOfWidth * static_cast<float>(photo.width) / static_cast<float>(layout.width),
                             kMaxShareOfHeight * static_cast<float>(photo.height) / static_cast<float>(layout.height));
  if (fit < 1) layout = Layout(lines, fit);
  if (static_cast<float>(layout.line_height) < kMinTextHeight || layout.width + 2 * layout.margin > photo.width ||
      layout.height + 2 * layout.margin > photo.height) {
    return;
  }

  const int right = photo.width - layout.margin - layout.width;
  const int bottom = photo.height - layout.margin - layout.height;
  Rectangle box{};
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const auto& [x, y] : {std::pair{layout.margin, layout.margin}, std::pair{right, layout.margin},
                             std::pair{layout.margin, bottom}, std::pair{right, bottom}}) {
    const Rectangle corner{x, y, layout.width, layout.height};
    const std::int64_t hidden = hidden_pixels(argmax, photo.width, background, corner);
    if (hidden < least) {
      least = hidden;
      box = corner;
    }
  }

  const auto em = static_cast<float>(layout.line_height);
  fill_rounded(photo, box, 0.4F * em, kBoxColor, kBoxOpacity);
  const int border = std::max(1, static_cast<int>(std::lround(em / 16)));
  int y = box.y + layout.padding;
  for (const LegendLine& line : lines) {
    const Rectangle frame{box.x + layout.padding, y + (layout.line_height - layout.swatch) / 2, layout.swatch,
                          layout.swatch};
    fill_rounded(photo, frame, 0.15F * em, kWhite, kSwatchBorderOpacity);
    const Rectangle inner{frame.x + border, frame.y + border, std::max(1, frame.width - 2 * border),
                          std::max(1, frame.height - 2 * border)};
    fill_rounded(photo, inner, std::max(0.0F, 0.15F * em - static_cast<float>(border)), line.color, 1.0F);
    if (line.text.channels == 1 && line.text.width > 0 && line.text.height > 0) {
      draw_text(photo, line.text, frame.x + layout.swatch + layout.gap, y, layout.scale);
    }
    y += layout.pitch;
  }
}

}  // namespace silhouette
