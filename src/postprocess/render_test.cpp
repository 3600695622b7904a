#include "postprocess/render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include "support/support.hpp"

namespace silhouette {
namespace {

using test::test_seed;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Image plain_image(int width, int height, int channels, std::uint8_t value) {
  auto image = Image::create(width, height, channels);
  EXPECT_TRUE(image);
  std::ranges::fill(image->pixels.span(), value);
  return std::move(*image);
}

Image copy_of(const Image& image) {
  auto copy = Image::create(image.width, image.height, image.channels);
  EXPECT_TRUE(copy);
  std::ranges::copy(image.pixels.span(), copy->pixels.data());
  return std::move(*copy);
}

std::vector<std::uint8_t> pixel(const Image& image, int x, int y) {
  const std::uint8_t* const at = image.row(y) + x * image.channels;
  return {at, at + image.channels};
}

/// What paint_classes does, from its definition: the nearest border segment of every pixel is looked for everywhere
/// near.
void paint_plainly(Image& photo, std::span<const std::int32_t> argmax, int background, float opacity) {
  const int width = photo.width;
  const int height = photo.height;
  const float line = std::clamp(static_cast<float>(std::min(width, height)) / 400, 1.5F, 24.0F);
  const auto at = [&](int x, int y) { return argmax[static_cast<std::size_t>(y * width + x)]; };
  const int reach = static_cast<int>(line) + 2;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      float distance = 1e9F;
      for (int v = std::max(0, y - reach); v <= std::min(height - 1, y + reach); ++v) {
        for (int u = std::max(0, x - reach); u <= std::min(width - 1, x + reach); ++u) {
          const auto dx = static_cast<float>(std::abs(u - x));
          const auto dy = static_cast<float>(std::abs(v - y));
          if (u + 1 < width && at(u, v) != at(u + 1, v)) {
            const float across = std::abs(static_cast<float>(u - x) + 0.5F);
            distance = std::min(distance, std::hypot(across, std::max(0.0F, dy - 0.5F)));
          }
          if (v + 1 < height && at(u, v) != at(u, v + 1)) {
            const float across = std::abs(static_cast<float>(v - y) + 0.5F);
            distance = std::min(distance, std::hypot(std::max(0.0F, dx - 0.5F), across));
          }
        }
      }
      const float covered = 0.9F * std::clamp(line / 2 + 0.5F - distance, 0.0F, 1.0F);
      const auto color = voc_color(at(x, y));
      for (std::size_t i = 0; i < 3; ++i) {
        std::uint8_t& value = photo.row(y)[3 * static_cast<std::size_t>(x) + i];
        float blended = value;
        if (at(x, y) != background) blended = std::round(blended + (static_cast<float>(color[i]) - blended) * opacity);
        value = static_cast<std::uint8_t>(std::lround(blended + (255 - blended) * covered));
      }
    }
  }
}

TEST(VocColor, IsTheDevkitsColormap) {
  EXPECT_THAT(voc_color(0), ElementsAre(0, 0, 0));
  EXPECT_THAT(voc_color(1), ElementsAre(128, 0, 0));
  EXPECT_THAT(voc_color(2), ElementsAre(0, 128, 0));
  EXPECT_THAT(voc_color(8), ElementsAre(64, 0, 0));
  EXPECT_THAT(voc_color(12), ElementsAre(64, 0, 128));
  EXPECT_THAT(voc_color(15), ElementsAre(192, 128, 128));
  EXPECT_THAT(voc_color(20), ElementsAre(0, 64, 128));
  EXPECT_THAT(voc_color(255), ElementsAre(224, 224, 192));
}

TEST(PaintClasses, EqualThePlainWay) {
  std::mt19937_64 random(test_seed());
  std::uniform_int_distribution<int> byte(0, 255);
  // The last one is large enough for a line wider than the narrowest.
  for (const auto& [width, height, cell] : {std::tuple{1, 1, 3}, std::tuple{1, 40, 3}, std::tuple{50, 1, 4},
                                            std::tuple{67, 45, 3}, std::tuple{90, 130, 9}, std::tuple{800, 810, 60}}) {
    Image photo = plain_image(width, height, 3, 0);
    for (auto& value : photo.pixels.span()) value = static_cast<std::uint8_t>(byte(random));
    std::vector<std::int32_t> argmax;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) argmax.push_back((x / cell * 3 + y / cell * 5) % 4);
    }
    for (const auto& [background, opacity] : {std::pair{0, 0.55F}, std::pair{-1, 0.25F}, std::pair{2, 1.0F}}) {
      if (width == 800 && background != 0) continue;
      Image painted = copy_of(photo);
      paint_classes(painted, argmax, background, opacity);
      Image expected = copy_of(photo);
      paint_plainly(expected, argmax, background, opacity);
      int worst = 0;
      for (std::size_t i = 0; i < painted.pixels.size(); ++i) {
        worst = std::max(worst, std::abs(painted.pixels[i] - expected.pixels[i]));
      }
      // Weights of 1/256 instead of real numbers, twice.
      EXPECT_LE(worst, 3) << width << " × " << height << ", background " << background;
    }
  }
}

TEST(PaintClasses, LeavesBackgroundAwayFromBordersAlone) {
  Image photo = plain_image(60, 40, 3, 77);
  std::vector<std::int32_t> argmax(60 * 40, 0);
  for (int y = 0; y < 40; ++y) std::fill_n(argmax.begin() + y * 60 + 30, 30, 15);
  paint_classes(photo, argmax, 0, 0.5F);
  EXPECT_THAT(pixel(photo, 10, 20), ElementsAre(77, 77, 77));
  EXPECT_THAT(pixel(photo, 50, 20), ElementsAre(135, 103, 103));
  EXPECT_GT(pixel(photo, 29, 20)[0], 180);
  EXPECT_GT(pixel(photo, 30, 20)[0], 180);
}

TEST(PaintClasses, TakesAnyMapOfThePhotosSizeAndNoOther) {
  std::mt19937_64 random(test_seed());
  std::uniform_int_distribution<std::int32_t> any(-3, 300);
  Image photo = plain_image(123, 77, 3, 50);
  std::vector<std::int32_t> noise(123 * 77);
  for (auto& value : noise) value = any(random);
  paint_classes(photo, noise, 0, 2.0F);
  Image other = plain_image(123, 76, 3, 50);
  paint_classes(other, noise, 0, 0.5F);
  draw_legend(other, noise, 0, std::array{LegendLine{{1, 2, 3}, plain_image(10, 8, 1, 255)}});
  EXPECT_TRUE(std::ranges::all_of(other.pixels.span(), [](auto value) { return value == 50; }));
}

std::vector<LegendLine> legend_lines(int count, int width, int height) {
  std::vector<LegendLine> lines;
  for (int i = 0; i < count; ++i) lines.push_back({{10, 200, 30}, plain_image(width, height, 1, 255)});
  return lines;
}

bool changed(const Image& photo, int left, int top, int right, int bottom) {
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      if (pixel(photo, x, y) != std::vector<std::uint8_t>{90, 90, 90}) return true;
    }
  }
  return false;
}

TEST(DrawLegend, TakesTheCornerThatHidesLeast) {
  const auto lines = legend_lines(2, 60, 16);
  for (int free = 0; free < 4; ++free) {
    Image photo = plain_image(300, 200, 3, 90);
    std::vector<std::int32_t> argmax(300 * 200, 4);
    for (int y = 0; y < 100; ++y) std::fill_n(argmax.begin() + (y + free / 2 * 100) * 300 + free % 2 * 150, 150, 0);
    draw_legend(photo, argmax, 0, lines);
    for (int corner = 0; corner < 4; ++corner) {
      const int left = corner % 2 * 150;
      const int top = corner / 2 * 100;
      EXPECT_EQ(changed(photo, left, top, left + 150, top + 100), corner == free) << corner << " of " << free;
    }
  }
}

TEST(DrawLegend, HasBoxSwatchAndText) {
  Image photo = plain_image(300, 200, 3, 90);
  const std::vector<std::int32_t> argmax(300 * 200, 0);
  draw_legend(photo, argmax, 0, legend_lines(1, 60, 20));
  int box = 0;
  int swatch = 0;
  int text = 0;
  for (int y = 0; y < 200; ++y) {
    for (int x = 0; x < 300; ++x) {
      const auto color = pixel(photo, x, y);
      box += color[0] < 45 && color[1] < 45;
      swatch += color == std::vector<std::uint8_t>{10, 200, 30};
      text += color == std::vector<std::uint8_t>{255, 255, 255};
    }
  }
  EXPECT_EQ(text, 60 * 20);
  EXPECT_GT(swatch, 100);
  EXPECT_LT(swatch, 15 * 15);
  EXPECT_GT(box, 1000);
  EXPECT_FALSE(changed(photo, 0, 100, 300, 200));
}

TEST(DrawLegend, ShrinksOrIsLeftOut) {
  const std::vector<std::int32_t> argmax(std::size_t{200} * 200, 0);
  Image photo = plain_image(200, 200, 3, 90);
  draw_legend(photo, argmax, 0, legend_lines(8, 100, 30));
  EXPECT_TRUE(changed(photo, 0, 0, 100, 100));
  EXPECT_FALSE(changed(photo, 125, 0, 200, 200)) << "wider than its share";
  EXPECT_FALSE(changed(photo, 0, 175, 200, 200)) << "higher than its share";

  for (const auto& [width, height, count] : {std::tuple{200, 200, 60}, std::tuple{20, 10, 1}, std::tuple{1, 1, 1}}) {
    Image small = plain_image(width, height, 3, 90);
    const std::vector<std::int32_t> map(static_cast<std::size_t>(width * height), 0);
    draw_legend(small, map, 0, legend_lines(count, 100, 30));
    EXPECT_FALSE(changed(small, 0, 0, width, height)) << width << " × " << height;
  }
  draw_legend(photo, argmax, 0, {});
}

TEST(SoftenEdges, FadesOverTheEdgeAndKeepsTheRest) {
  constexpr int kWidth = 40;
  constexpr int kHeight = 3;
  std::vector<float> mask(static_cast<std::size_t>(kWidth) * kHeight);
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % kWidth < 20 ? 0.0F : 1.0F;
  soften_edges(mask, kWidth, kHeight, 2);
  for (std::size_t y = 0; y < kHeight; ++y) {
    for (std::size_t x = 0; x < kWidth; ++x) {
      const float value = mask[y * kWidth + x];
      if (x < 16) {
        EXPECT_NEAR(value, 0.0F, 1e-6F);
      }
      if (x >= 24) {
        EXPECT_NEAR(value, 1.0F, 1e-6F);
      }
      if (x > 16 && x < 24) {
        EXPECT_GT(value, mask[y * kWidth + x - 1]);
      }
      EXPECT_NEAR(value + mask[y * kWidth + (kWidth - 1 - x)], 1.0F, 1e-5F) << "the edge stays where it was";
    }
  }
  std::vector<float> one{1.0F};
  soften_edges(one, 1, 1, 5);
  EXPECT_NEAR(one[0], 1.0F, 1e-6F);
}

TEST(CutOut, TakesColorFromThePhotoAndOpacityFromAlpha) {
  Image photo = plain_image(7, 1, 3, 0);
  for (std::size_t i = 0; i < 21; ++i) photo.pixels[i] = static_cast<std::uint8_t>(10 * i);
  const std::vector<float> alpha{0.0F, 1.0F, 0.5F, -2.0F, 7.0F, std::numeric_limits<float>::quiet_NaN(), 0.001F};
  const auto result = cut_out(photo, alpha);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->channels, 4);
  const std::vector<std::uint8_t> opacity{0, 255, 128, 0, 255, 0, 0};
  for (int x = 0; x < 7; ++x) {
    const auto i = static_cast<std::uint8_t>(30 * x);
    EXPECT_THAT(pixel(*result, x, 0), ElementsAre(i, i + 10, i + 20, opacity[static_cast<std::size_t>(x)]));
  }
}

TEST(CutOut, RefusesOtherSizes) {
  const std::vector<float> alpha(11);
  const auto wrong_size = cut_out(plain_image(4, 3, 3, 0), alpha);
  ASSERT_FALSE(wrong_size);
  EXPECT_EQ(wrong_size.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(wrong_size.error().message, HasSubstr("4 × 3"));
  EXPECT_THAT(wrong_size.error().message, HasSubstr("11 values"));
  EXPECT_EQ(cut_out(plain_image(11, 1, 1, 0), alpha).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace silhouette
