#include "postprocess/backdrop.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "postprocess/coarse_grid.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

Image random_image(int width, int height, int channels, std::mt19937& random) {
  Image image = Image::create(width, height, channels).value();
  std::uniform_int_distribution<int> any(0, 255);
  for (auto& value : image.pixels.span()) value = static_cast<std::uint8_t>(any(random));
  return image;
}

std::vector<float> random_alpha(int width, int height, std::mt19937& random) {
  std::vector<float> alpha(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  std::uniform_real_distribution<float> any(-0.5F, 1.5F);
  for (auto& value : alpha) value = std::clamp(any(random), 0.0F, 1.0F);
  return alpha;
}

/// Straight from the definition, for a grid whose cells are pixels.
std::vector<double> plain(const Image& photo, const std::vector<float>& alpha, int radius) {
  const auto w = static_cast<std::size_t>(photo.width);
  const auto h = static_cast<std::size_t>(photo.height);
  std::vector<double> values(w * h * 4);
  for (std::size_t i = 0; i < w * h; ++i) {
    const double weight = 1 - static_cast<double>(alpha[i]);
    for (std::size_t c = 0; c < 3; ++c) values[4 * i + c] = weight * photo.pixels[3 * i + c];
    values[4 * i + 3] = weight;
  }
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<double> means(values.size());
    for (int y = 0; y < photo.height; ++y) {
      for (int x = 0; x < photo.width; ++x) {
        int count = 0;
        double* const mean = means.data() + 4 * (static_cast<std::size_t>(y) * w + static_cast<std::size_t>(x));
        for (int v = std::max(0, y - radius); v <= std::min(photo.height - 1, y + radius); ++v) {
          for (int u = std::max(0, x - radius); u <= std::min(photo.width - 1, x + radius); ++u, ++count) {
            const double* const from =
                values.data() + 4 * (static_cast<std::size_t>(v) * w + static_cast<std::size_t>(u));
            for (std::size_t c = 0; c < 4; ++c) mean[c] += from[c];
          }
        }
        for (std::size_t c = 0; c < 4; ++c) mean[c] /= count;
      }
    }
    values = means;
  }
  for (std::size_t i = 0; i < w * h; ++i) {
    for (std::size_t c = 0; c < 3; ++c) values[4 * i + c] /= values[4 * i + 3];
  }
  return values;
}

TEST(Backdrop, IsTheWeightedMeanOfItsDefinition) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(test::test_seed()));
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 40}, {37, 1}, {31, 45}, {64, 50}}) {
    for (const int radius : {8, 11}) {
      SCOPED_TRACE(fmt::format("{} × {}, radius {}", width, height, radius));
      const auto grid = make_coarse_grid(width, height, radius);
      if (grid.scale != 1) continue;
      Image photo = random_image(width, height, 3, random);
      const auto alpha = random_alpha(width, height, random);
      if (std::ranges::all_of(alpha, [](float a) { return a > 0.999F; })) continue;
      const auto expected = plain(photo, alpha, grid.radius);
      ThreadPool pool(2);
      ASSERT_TRUE(blur_background(photo, alpha, radius, pool, {}));
      for (std::size_t i = 0; i < alpha.size(); ++i) {
        for (std::size_t c = 0; c < 3; ++c) {
          // Rounding, and float's error of sums of two hundred cells.
          ASSERT_NEAR(photo.pixels[3 * i + c], expected[4 * i + c], 0.52) << i;
        }
      }
    }
  }
}

TEST(Backdrop, TheSubjectDoesNotRunIntoIt) {
  Image photo = Image::create(200, 100, 3).value();
  std::vector<float> alpha(200 * 100);
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    const bool is_subject = i % 200 >= 90 && i % 200 < 110;
    alpha[i] = is_subject ? 1.0F : 0.0F;
    photo.pixels[3 * i] = is_subject ? 255 : 0;
    photo.pixels[3 * i + 1] = 0;
    photo.pixels[3 * i + 2] = is_subject ? 0 : 200;
  }
  ThreadPool pool(1);
  ASSERT_TRUE(blur_background(photo, alpha, 30, pool, {}));
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    ASSERT_EQ(photo.pixels[3 * i], 0) << i;
    ASSERT_EQ(photo.pixels[3 * i + 2], 200) << i;
  }
}

TEST(Backdrop, ThreadsChangeNothing) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(test::test_seed()));
  const Image photo = random_image(301, 407, 3, random);
  auto alpha = random_alpha(301, 407, random);
  alpha[5] = std::numeric_limits<float>::quiet_NaN();
  std::vector<std::vector<std::uint8_t>> results;
  for (const int threads : {1, 2, 5}) {
    Image copy = Image::create(301, 407, 3).value();
    std::ranges::copy(photo.pixels.span(), copy.pixels.data());
    ThreadPool pool(threads);
    ASSERT_TRUE(blur_background(copy, alpha, 40, pool, {}));
    results.emplace_back(copy.pixels.span().begin(), copy.pixels.span().end());
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(Backdrop, WrongArgumentsAndStops) {
  std::mt19937 random(1);
  ThreadPool pool(1);
  Image photo = random_image(8, 8, 3, random);
  const std::vector<float> alpha(64);
  EXPECT_EQ(blur_background(photo, std::span(alpha).first(63), 3, pool, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(blur_background(photo, alpha, 0, pool, {}).error().code, ErrorCode::kInvalidArgument);
  Image grey = random_image(8, 8, 1, random);
  EXPECT_EQ(blur_background(grey, alpha, 3, pool, {}).error().code, ErrorCode::kInvalidArgument);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(blur_background(photo, alpha, 3, pool, stop.get_token()).error().code, ErrorCode::kCancelled);
  const Image cutout = random_image(8, 8, 4, random);
  EXPECT_EQ(lay_over(photo, photo).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(lay_over(cutout, random_image(8, 9, 3, random)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(lay_over(photo, std::array<std::uint8_t, 3>{}).error().code, ErrorCode::kInvalidArgument);
}

TEST(Backdrop, CutOutsAreLaidOverPicturesAndColours) {
  std::mt19937 random(static_cast<std::mt19937::result_type>(test::test_seed()));
  const Image cutout = random_image(33, 21, 4, random);
  const Image behind = random_image(33, 21, 3, random);
  const std::array<std::uint8_t, 3> color{10, 200, 255};
  const Image over_picture = lay_over(cutout, behind).value();
  const Image over_color = lay_over(cutout, color).value();
  ASSERT_EQ(over_picture.channels, 3);
  for (std::size_t i = 0; i < std::size_t{33} * 21; ++i) {
    const double alpha = cutout.pixels[4 * i + 3] / 255.0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double front = alpha * cutout.pixels[4 * i + c];
      ASSERT_NEAR(over_picture.pixels[3 * i + c], front + (1 - alpha) * behind.pixels[3 * i + c], 0.501);
      ASSERT_NEAR(over_color.pixels[3 * i + c], front + (1 - alpha) * color[c], 0.501);
    }
  }
}

}  // namespace
}  // namespace silhouette
