#include "postprocess/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

namespace silhouette {
namespace {

constexpr std::array<std::uint8_t, 3> kLineColor{255, 255, 255};
constexpr float kLineOpacity = 0.9F;

/// Blends a colour over `count` pixels: value · (256 − weight) / 256 + color · weight / 256, rounded.
void blend_run(std::uint8_t* pixels, std::size_t count, std::array<std::uint8_t, 3> color, unsigned weight) {
  constexpr std::size_t kStep = 48;  // a multiple of three bytes that is one of a vector, too
  std::array<std::uint16_t, kStep> added;
  for (std::size_t i = 0; i < kStep; ++i) added[i] = static_cast<std::uint16_t>(color[i % 3] * weight + 128);
  const auto kept = static_cast<std::uint16_t>(256 - weight);
  const std::size_t bytes = 3 * count;
  std::size_t at = 0;
  for (; at + kStep <= bytes; at += kStep) {
    for (std::size_t i = 0; i < kStep; ++i) {
      const auto sum = static_cast<std::uint16_t>(pixels[at + i] * kept + added[i]);
      pixels[at + i] = static_cast<std::uint8_t>(sum >> 8);
    }
  }
  for (std::size_t i = 0; at < bytes; ++at, ++i) {
    pixels[at] = static_cast<std::uint8_t>((pixels[at] * kept + added[i]) >> 8);
  }
}

/// The first x in [x, end) where a and b differ, or end.
int find_difference(const std::int32_t* a, const std::int32_t* b, int x, int end) {
  constexpr int kBlock = 32;
  for (; x + kBlock <= end; x += kBlock) {
    std::int32_t different = 0;
    for (int i = 0; i < kBlock; ++i) different |= a[x + i] ^ b[x + i];
    if (different != 0) break;
  }
  while (x < end && a[x] == b[x]) ++x;
  return x;
}

/// The first x in [x, end) where a and b are equal, or end.
int find_equality(const std::int32_t* a, const std::int32_t* b, int x, int end) {
  while (x < end && a[x] != b[x]) ++x;
  return x;
}

/// Lines of a given width along the borders of a class map, anti-aliased, one row of pixels after the other.
///
/// A border is a set of segments between pixels: vertical ones within a row, at column edges; horizontal ones between
/// two rows. A pixel's coverage is that of the nearest segment: width / 2 + 1/2 − its centre's distance, within 0…1.
class BorderLines {
 public:
  BorderLines(std::span<const std::int32_t> argmax, int width, int height, float line_width)
      : argmax_(argmax), width_(width), height_(height), coverage_(static_cast<std::size_t>(width)) {
    const float reach = line_width / 2 + 0.5F;
    reach_ = static_cast<int>(std::ceil(reach));
    profiles_.resize(static_cast<std::size_t>(reach_) + 1);
    for (std::size_t j = 0; j < profiles_.size(); ++j) {
      const float dy = offset(j);
      for (std::size_t k = 0; k <= static_cast<std::size_t>(reach_); ++k) {
        const float covered = std::clamp(reach - std::hypot(offset(k), dy), 0.0F, 1.0F);
        profiles_[j].push_back(static_cast<std::uint8_t>(std::lround(255 * covered)));
      }
    }
    rows_.resize(static_cast<std::size_t>(2 * reach_ + 2));
  }

  /// Column edges within row y where the class changes.
  [[nodiscard]] std::span<const int> changes(int y) { return row(y).changes; }

  /// Coverage (0…255) of the pixels of row y, or nothing where no line is near. Rows are asked for in ascending order.
  [[nodiscard]] std::span<const std::uint8_t> coverage(int y) {
    bool any = false;
    for (int other = std::max(0, y - reach_); other <= std::min(height_ - 1, y + reach_); ++other) {
      const Row& border = row(other);
      if (border.changes.empty() && border.below.empty()) continue;
      if (!any) std::ranges::fill(coverage_, std::uint8_t{0});
      any = true;
      const auto vertical = static_cast<std::size_t>(std::abs(other - y));
      const auto horizontal = static_cast<std::size_t>(other < y ? y - other : other - y + 1);
      if (vertical < profiles_.size()) {
        for (std::size_t i = 0; i < border.changes.size();) {
          // Borders a pixel apart are one to the eye; this bounds the work on noise.
          const int begin = border.changes[i];
          int end = begin;
          while (++i < border.changes.size() && border.changes[i] - end <= 1) end = border.changes[i];
          stamp(begin, end, profiles_[vertical]);
        }
      }
      if (horizontal < profiles_.size()) {
        for (const auto& [begin, end] : border.below) stamp(begin, end, profiles_[horizontal]);
      }
    }
    if (!any) return {};
    return coverage_;
  }

 private:
  struct Row {
    int y = -1;
    std::vector<int> changes;
    std::vector<std::pair<int, int>> below;  ///< [begin, end) columns whose class differs from the next row's
  };

  /// Distance of a pixel's centre from the middle (0), or from the edge, of the k-th pixel beside it.
  static float offset(std::size_t k) { return k == 0 ? 0.0F : static_cast<float>(k) - 0.5F; }

  const Row& row(int y) {
    Row& row = rows_[static_cast<std::size_t>(y) % rows_.size()];
    if (row.y == y) return row;
    row.y = y;
    row.changes.clear();
    row.below.clear();
    const std::int32_t* const classes = argmax_.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width_);
    for (int x = 0; (x = find_difference(classes, classes + 1, x, width_ - 1)) < width_ - 1; ++x) {
      row.changes.push_back(x + 1);
    }
    if (y + 1 < height_) {
      const std::int32_t* const next = classes + width_;
      for (int x = 0; (x = find_difference(classes, next, x, width_)) < width_;) {
        const int end = find_equality(classes, next, x, width_);
        row.below.emplace_back(x, end);
        x = end;
      }
    }
    return row;
  }

  void stamp(int begin, int end, const std::vector<std::uint8_t>& profile) {
    for (int x = begin; x < end; ++x) cover(x, profile[0]);
    for (int k = 1; k <= reach_ && profile[static_cast<std::size_t>(k)] > 0; ++k) {
      if (begin - k >= 0) cover(begin - k, profile[static_cast<std::size_t>(k)]);
      if (end - 1 + k < width_) cover(end - 1 + k, profile[static_cast<std::size_t>(k)]);
    }
  }
  void cover(int x, std::uint8_t value) {
    std::uint8_t& covered = coverage_[static_cast<std::size_t>(x)];
    covered = std::max(covered, value);
  }

  std::span<const std::int32_t> argmax_;
  int width_;
  int height_;
  int reach_ = 0;
  std::vector<std::vector<std::uint8_t>> profiles_;  ///< [vertical distance][horizontal distance]
  std::vector<Row> rows_;                            ///< row y is at y modulo their number
  std::vector<std::uint8_t> coverage_;
};

void draw_line(std::uint8_t* pixels, std::span<const std::uint8_t> coverage) {
  constexpr unsigned kOpacity = static_cast<unsigned>(kLineOpacity * 256);
  std::size_t x = 0;
  while (x < coverage.size()) {
    std::uint64_t eight = 0;
    if (x + sizeof eight <= coverage.size()) {
      std::memcpy(&eight, coverage.data() + x, sizeof eight);
      if (eight == 0) {
        x += sizeof eight;
        continue;
      }
    }
    for (const std::size_t end = std::min(x + sizeof eight, coverage.size()); x < end; ++x) {
      const unsigned weight = (coverage[x] * kOpacity + 128) / 255;
      for (std::size_t i = 0; i < 3; ++i) {
        std::uint8_t& value = pixels[3 * x + i];
        value = static_cast<std::uint8_t>((value * (256 - weight) + kLineColor[i] * weight + 128) >> 8);
      }
    }
  }
}

}  // namespace

std::array<std::uint8_t, 3> voc_color(int class_number) noexcept {
  std::array<std::uint8_t, 3> color{};
  auto bits = static_cast<unsigned>(class_number);
  for (int shift = 7; shift >= 0; --shift, bits >>= 3) {
    for (unsigned i = 0; i < 3; ++i) {
      color[i] = static_cast<std::uint8_t>(color[i] | (((bits >> i) & 1U) << shift));
    }
  }
  return color;
}

void paint_classes(Image& photo, std::span<const std::int32_t> argmax, int background, float opacity) {
  const std::size_t pixels = static_cast<std::size_t>(photo.width) * static_cast<std::size_t>(photo.height);
  if (photo.channels != 3 || argmax.size() != pixels || pixels == 0) return;
  const auto weight = static_cast<unsigned>(std::lround(256 * std::clamp(opacity, 0.0F, 1.0F)));
  const auto shorter = static_cast<float>(std::min(photo.width, photo.height));
  BorderLines lines(argmax, photo.width, photo.height, std::clamp(shorter / 400, 1.5F, 24.0F));
  for (int y = 0; y < photo.height; ++y) {
    std::uint8_t* const row = photo.row(y);
    const std::int32_t* const classes =
        argmax.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(photo.width);
    int begin = 0;
    const auto fill_to = [&](int end) {
      if (classes[begin] != background) {
        blend_run(row + 3 * static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin),
                  voc_color(classes[begin]), weight);
      }
      begin = end;
    };
    for (const int end : lines.changes(y)) fill_to(end);
    fill_to(photo.width);
    draw_line(row, lines.coverage(y));
  }
}

Result<Image> cut_out(const Image& photo, std::span<const float> alpha) {
  const std::size_t pixels = static_cast<std::size_t>(photo.width) * static_cast<std::size_t>(photo.height);
  if (photo.channels != 3 || alpha.size() != pixels) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("a cut-out needs an RGB photo and alpha of its size; the photo is {} × {} with {} channels, "
                    "alpha has {} values",
                    photo.width, photo.height, photo.channels, alpha.size()));
  }
  auto result = Image::create(photo.width, photo.height, 4);
  if (!result) return result;
  std::vector<std::uint8_t> opacity(static_cast<std::size_t>(photo.width));
  for (int y = 0; y < photo.height; ++y) {
    const float* const row = alpha.data() + static_cast<std::size_t>(y) * opacity.size();
    for (std::size_t x = 0; x < opacity.size(); ++x) {
      const float positive = row[x] > 0.0F ? row[x] : 0.0F;  // NaN isn't
      const float within = positive < 1.0F ? positive : 1.0F;
      opacity[x] = static_cast<std::uint8_t>(static_cast<int>(within * 255.0F + 0.5F));
    }
    const std::uint8_t* from = photo.row(y);
    std::uint8_t* to = result->row(y);
    for (std::size_t x = 0; x < opacity.size(); ++x, from += 3, to += 4) {
      const std::array<std::uint8_t, 4> pixel{from[0], from[1], from[2], opacity[x]};
      std::memcpy(to, pixel.data(), pixel.size());
    }
  }
  return result;
}

}  // namespace silhouette
