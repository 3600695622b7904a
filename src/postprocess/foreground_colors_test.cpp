#include "postprocess/foreground_colors.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "postprocess/coarse_grid.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Image random_photo(int width, int height, std::mt19937_64& random) {
  Image photo = Image::create(width, height, 3).value();
  for (std::size_t i = 0; i < photo.pixels.size(); ++i) photo.pixels[i] = static_cast<std::uint8_t>(random());
  return photo;
}

/// A third of it 0, a third 1, the rest between.
std::vector<float> random_alpha(std::size_t pixels, std::mt19937_64& random) {
  std::uniform_real_distribution<float> uniform(-1, 2);
  std::vector<float> alpha(pixels);
  for (float& value : alpha) value = std::clamp(uniform(random), 0.0F, 1.0F);
  return alpha;
}

Image copy_of(const Image& photo) {
  Image copy = Image::create(photo.width, photo.height, photo.channels).value();
  std::ranges::copy(photo.pixels.span(), copy.pixels.data());
  return copy;
}

Image estimated(const Image& photo, std::span<const float> alpha, int radius, int threads = 1) {
  Image result = copy_of(photo);
  ThreadPool pool(threads);
  const auto done = estimate_foreground(result, alpha, radius, pool, {});
  EXPECT_TRUE(done) << done.error().message;
  return result;
}

/// From the definition: all pixels of a window of cells, weighted; then between four cells.
std::vector<double> reference(const Image& photo, std::span<const float> alpha, int radius) {
  const CoarseGrid grid = make_coarse_grid(photo.width, photo.height, radius);
  const auto mean = [&](int cell_x, int cell_y, std::size_t c, bool front) {
    double sum = 0;
    double weights = 0;
    const int reach = grid.radius * grid.scale;
    for (int y = std::max(0, cell_y * grid.scale - reach);
         y < std::min(photo.height, (cell_y + 1) * grid.scale + reach); ++y) {
      for (int x = std::max(0, cell_x * grid.scale - reach);
           x < std::min(photo.width, (cell_x + 1) * grid.scale + reach); ++x) {
        const double a = alpha[static_cast<std::size_t>(y * photo.width + x)];
        const double weight = front ? a : 1 - a;
        weights += weight;
        sum += weight * photo.row(y)[3 * static_cast<std::size_t>(x) + c];
      }
    }
    return sum / weights;
  };
  std::vector<double> result;
  for (int y = 0; y < photo.height; ++y) {
    for (int x = 0; x < photo.width; ++x) {
      const double a = alpha[static_cast<std::size_t>(y * photo.width + x)];
      const double u = std::clamp((x + 0.5) / grid.scale - 0.5, 0.0, grid.width - 1.0);
      const double v = std::clamp((y + 0.5) / grid.scale - 0.5, 0.0, grid.height - 1.0);
      const int left = static_cast<int>(u);
      const int top = static_cast<int>(v);
      for (std::size_t c = 0; c < 3; ++c) {
        const double color = photo.row(y)[3 * static_cast<std::size_t>(x) + c];
        if (a == 0 || a == 1) {
          result.push_back(color);
          continue;
        }
        const auto between = [&](bool front) {
          double sum = 0;
          for (const int j : {0, 1}) {
            for (const int i : {0, 1}) {
              const double weight = (i == 1 ? u - left : 1 - (u - left)) * (j == 1 ? v - top : 1 - (v - top));
              if (weight > 0) sum += weight * mean(left + i, top + j, c, front);
            }
          }
          return sum;
        };
        const double front = between(true);
        result.push_back(std::clamp(front + a * (color - a * front - (1 - a) * between(false)), 0.0, 255.0));
      }
    }
  }
  return result;
}

TEST(ForegroundColors, EqualTheReference) {
  std::mt19937_64 random(test::test_seed());
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 9}, {40, 1}, {7, 5}, {33, 50}}) {
    for (const int radius : {1, 3, 17, 100}) {
      SCOPED_TRACE(fmt::format("{}×{}, {}", width, height, radius));
      const Image photo = random_photo(width, height, random);
      const auto alpha = random_alpha(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), random);
      const Image found = estimated(photo, alpha, radius, 1 + static_cast<int>(random() % 3));
      const auto expected = reference(photo, alpha, radius);
      // Rounded to whole numbers. Means of hardly any weight are less exact.
      for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found.pixels[i], expected[i], 0.51) << i;
    }
  }
}

TEST(ForegroundColors, TheBackgroundIsGone) {
  // Red fades into green over 20 pixels; what is left of it should be red all the way.
  Image photo = Image::create(100, 40, 3).value();
  std::vector<float> alpha;
  for (int y = 0; y < 40; ++y) {
    for (int x = 0; x < 100; ++x) {
      const float a = std::clamp((60 - static_cast<float>(x)) / 20, 0.0F, 1.0F);
      alpha.push_back(a);
      photo.row(y)[3 * x] = static_cast<std::uint8_t>(std::lround(200 * a));
      photo.row(y)[3 * x + 1] = static_cast<std::uint8_t>(std::lround(220 * (1 - a)));
      photo.row(y)[3 * x + 2] = 50;
    }
  }
  const Image found = estimated(photo, alpha, 20);
  for (int x = 41; x < 60; ++x) {
    const auto shown = [&](const Image& image, int c, int without) {
      return static_cast<float>(std::abs(image.row(20)[3 * x + c] - without)) *
             alpha[static_cast<std::size_t>(20 * 100 + x)];
    };
    EXPECT_LT(shown(found, 1, 0), 0.5F * shown(photo, 1, 0)) << x;
    EXPECT_LT(shown(found, 0, 200), 0.6F * shown(photo, 0, 200) + 1) << x;
    EXPECT_NEAR(found.row(20)[3 * x + 2], 50, 1) << x;
  }
}

TEST(ForegroundColors, WhatIsWhollyThereOrNotStays) {
  std::mt19937_64 random(test::test_seed());
  const Image photo = random_photo(50, 40, random);
  for (const float value : {0.0F, 1.0F, -3.0F, 7.0F, kNan}) {
    const Image found = estimated(photo, std::vector<float>(2000, value), 9);
    EXPECT_TRUE(std::ranges::equal(found.pixels.span(), photo.pixels.span())) << value;
  }
}

TEST(ForegroundColors, AlphaIsBroughtWithinUnit) {
  std::mt19937_64 random(test::test_seed());
  const Image photo = random_photo(30, 20, random);
  auto alpha = random_alpha(600, random);
  auto sound = alpha;
  constexpr float kBad[] = {kNan, -3, 7, std::numeric_limits<float>::infinity()};
  constexpr float kGood[] = {0, 0, 1, 1};
  for (std::size_t i = 0; i < alpha.size(); i += 3) {
    alpha[i] = kBad[i / 3 % 4];
    sound[i] = kGood[i / 3 % 4];
  }
  EXPECT_TRUE(std::ranges::equal(estimated(photo, alpha, 4).pixels.span(), estimated(photo, sound, 4).pixels.span()));
}

TEST(ForegroundColors, AreTheSameOnAnyNumberOfThreads) {
  std::mt19937_64 random(test::test_seed());
  const Image photo = random_photo(211, 1000, random);
  const auto alpha = random_alpha(std::size_t{211} * 1000, random);
  const Image one = estimated(photo, alpha, 20, 1);
  for (const int threads : {2, 3, 4, 5, 6, 7})
    EXPECT_TRUE(std::ranges::equal(estimated(photo, alpha, 20, threads).pixels.span(), one.pixels.span()));
}

TEST(ForegroundColors, RefuseWhatMakesNoSenseAndStop) {
  ThreadPool pool(2);
  Image photo = Image::create(4, 4, 3).value();
  Image gray = Image::create(4, 4, 1).value();
  const std::vector<float> alpha(16, 0.5F);
  const auto code = [](const Result<void>& result) { return result ? ErrorCode::kInternal : result.error().code; };
  EXPECT_EQ(code(estimate_foreground(gray, alpha, 3, pool, {})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(estimate_foreground(photo, {alpha.data(), 15}, 3, pool, {})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(estimate_foreground(photo, alpha, 0, pool, {})), ErrorCode::kInvalidArgument);
  Image none;
  const auto refused = estimate_foreground(none, {}, 3, pool, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("0 × 0 with 3 channels"));
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(code(estimate_foreground(photo, alpha, 3, pool, source.get_token())), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace silhouette
