#include "postprocess/guided_filter.hpp"

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
#include "postprocess/guided_filter_reference.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// No curve: what the filter gives is in the result wherever it is within 0…1.
constexpr GuidedFilter kPlain{.radius = 0, .epsilon = 1e-3F, .low = 0, .high = 1};

struct Map {
  int width;
  int height;
  std::vector<float> values;

  Map(int w, int h, float value = 0)
      : width(w), height(h), values(static_cast<std::size_t>(w) * static_cast<std::size_t>(h), value) {}
  [[nodiscard]] ProbabilityView view() const { return {values, width, height}; }
};

Image plain_photo(int width, int height, std::array<std::uint8_t, 3> color) {
  Image photo = Image::create(width, height, 3).value();
  for (std::size_t i = 0; i < photo.pixels.size(); ++i) photo.pixels[i] = color[i % 3];
  return photo;
}

/// Two smooth waves and some noise.
Image random_photo(int width, int height, std::mt19937_64& random) {
  Image photo = Image::create(width, height, 3).value();
  const double phase = std::uniform_real_distribution(0.0, 6.0)(random);
  std::uniform_int_distribution noise(-20, 20);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(0.3 * x + phase * c) + std::cos(0.2 * y + phase + c);
        photo.row(y)[3 * x + c] = static_cast<std::uint8_t>(std::clamp(128 + 50 * wave + noise(random), 0.0, 255.0));
      }
    }
  }
  return photo;
}

Map random_map(int width, int height, std::mt19937_64& random) {
  Map map(width, height);
  std::uniform_real_distribution<float> uniform(-0.2F, 1.2F);
  for (float& value : map.values) value = uniform(random);
  return map;
}

AlignedBuffer<float> alpha_of(const Map& map, const Image& photo, const GuidedFilter& filter, int threads = 1) {
  ThreadPool pool(threads);
  auto alpha = guided_alpha(map.view(), photo, filter, pool, {});
  EXPECT_TRUE(alpha) << alpha.error().message;
  return std::move(*alpha);
}

/// Roundings: of a window's line, of its mean, of two interpolations and of four products and their sum, each to a
/// float, of what is at most as large as the largest line. A cell's probability may be rounded the other way: that
/// moves its window's covariance by a share of it, and a by that over epsilon.
double tolerance_of(const ReferenceAlpha& reference, const GuidedFilter& filter) {
  constexpr double kEpsilon = 0x1p-24;
  const double roundings = 12 * kEpsilon * (1 + reference.largest_line);
  const double flips = std::sqrt(3.0) * kEpsilon / (reference.fewest_cells * double{filter.epsilon});
  return (roundings + flips) / (double{filter.high} - double{filter.low});
}

void expect_equals_reference(const Map& map, const Image& photo, const GuidedFilter& filter, int threads) {
  const int radius = guided_radius(map.view(), photo, filter);
  const CoarseGrid grid = make_coarse_grid(photo.width, photo.height, radius);
  SCOPED_TRACE(fmt::format("map {}×{}, photo {}×{}, radius {}, epsilon {}, cells of {}, windows of {}, {} threads",
                           map.width, map.height, photo.width, photo.height, radius, filter.epsilon, grid.scale,
                           grid.radius, threads));
  const auto alpha = alpha_of(map, photo, filter, threads);
  const ReferenceAlpha reference = reference_guided_alpha(map.view(), photo, filter, grid.scale, grid.radius);
  ASSERT_EQ(alpha.size(), reference.alpha.size());
  const double tolerance = tolerance_of(reference, filter);
  ASSERT_LT(tolerance, 0.01) << "says nothing";
  for (std::size_t i = 0; i < alpha.size(); ++i) ASSERT_NEAR(alpha[i], reference.alpha[i], tolerance) << i;
}

TEST(CoarseGrid, SuitsRadiusAndPhoto) {
  const auto expect = [](int width, int height, int radius, CoarseGrid expected) {
    const CoarseGrid grid = make_coarse_grid(width, height, radius);
    SCOPED_TRACE(fmt::format("{}×{}, {}", width, height, radius));
    EXPECT_EQ(grid.scale, expected.scale);
    EXPECT_EQ(grid.width, expected.width);
    EXPECT_EQ(grid.height, expected.height);
    EXPECT_EQ(grid.radius, expected.radius);
  };
  expect(512, 300, 6, {1, 512, 300, 6});
  expect(512, 300, 15, {1, 512, 300, 15});
  expect(512, 301, 16, {2, 256, 151, 8});
  expect(4000, 3000, 47, {5, 800, 600, 9});
  expect(4000, 3000, 1, {4, 1000, 750, 1});
  expect(1, 1, 1'000'000, {1, 1, 1, 1});
  expect(20, 3, 65'500, {2, 10, 2, 10});
  expect(65'500, 1, 1, {1, 65'500, 1, 1});
  expect(12'247, 12'247, 3, {12, 1021, 1021, 1});
}

TEST(CoarseGrid, PixelsLieBetweenTheCellsCentres) {
  for (const int scale : {1, 2, 3, 8}) {
    for (const int pixels : {1, 2, 7, 8, 9, 31}) {
      const auto positions = cell_positions(pixels, scale).value();
      const int cells = (pixels + scale - 1) / scale;
      for (int i = 0; i < pixels; ++i) {
        const auto [index, weight] = positions[static_cast<std::size_t>(i)];
        ASSERT_LT(index + (weight > 0 ? 1 : 0), cells);
        ASSERT_NEAR(static_cast<float>(index) + weight,
                    std::clamp((static_cast<float>(i) + 0.5F) / static_cast<float>(scale) - 0.5F, 0.0F,
                               static_cast<float>(cells - 1)),
                    1e-5F);
      }
    }
  }
}

TEST(GuidedFilter, EqualsTheReferenceAtAllSizes) {
  std::mt19937_64 random(test::test_seed());
  for (const int width : {1, 2, 3, 5, 16, 33, 70}) {
    for (const int height : {1, 2, 7, 34, 65}) {
      const Image photo = random_photo(width, height, random);
      for (const auto& [map_width, map_height] : {std::pair{width, height}, {1, 1}, {5, 4}, {64, 90}}) {
        const Map map = random_map(map_width, map_height, random);
        for (const int radius : {1, 4, 17, 100}) {
          const float epsilon = std::array{1e-4F, 1e-3F, 1e-2F}[random() % 3];
          expect_equals_reference(map, photo, {.radius = radius, .epsilon = epsilon, .low = 0, .high = 1},
                                  1 + static_cast<int>(random() % 3));
        }
      }
    }
  }
}

TEST(GuidedFilter, EqualsTheReferenceInManyBands) {
  std::mt19937_64 random(test::test_seed());
  const Image photo = random_photo(90, 400, random);
  expect_equals_reference(random_map(23, 70, random), photo, kPlain, 3);
  expect_equals_reference(random_map(90, 400, random), photo, {.radius = 2, .epsilon = 1e-2F}, 3);
  expect_equals_reference(random_map(9, 30, random), photo, {.radius = 40, .epsilon = 1e-2F}, 3);
}

TEST(GuidedFilter, ItsRadiusIsThreeOfTheMapsPixels) {
  const auto radius = [](int map_width, int map_height, int width, int height, int given = 0) {
    const Map map(map_width, map_height);
    return guided_radius(map.view(), plain_photo(width, height, {}), {.radius = given});
  };
  EXPECT_EQ(radius(256, 256, 512, 512), 6);
  EXPECT_EQ(radius(256, 144, 1024, 1024), 21);
  EXPECT_EQ(radius(256, 256, 256, 256), 3);
  EXPECT_EQ(radius(513, 513, 40, 30), 1);
  EXPECT_EQ(radius(1, 1, 40, 30), 40);
  EXPECT_EQ(radius(1, 1, 40, 30, 7), 7);
  EXPECT_EQ(radius(256, 256, 40, 30, 2'000'000'000), 40);
}

TEST(GuidedFilter, RadiiLargerThanThePhotoAreAsLargeAsIt) {
  std::mt19937_64 random(test::test_seed());
  const Image photo = random_photo(31, 20, random);
  const Map map = random_map(8, 8, random);
  const auto whole = alpha_of(map, photo, {.radius = 31});
  for (const int radius : {32, 1000, 2'000'000'000}) {
    const auto alpha = alpha_of(map, photo, {.radius = radius});
    EXPECT_TRUE(std::ranges::equal(alpha.span(), whole.span())) << radius;
  }
}

TEST(GuidedFilter, CertaintyStays) {
  std::mt19937_64 random(test::test_seed());
  for (const float value : {0.0F, 1.0F}) {
    for (const int radius : {1, 6, 30}) {
      const auto alpha =
          alpha_of(Map(16, 9, value), random_photo(70, 50, random), {.radius = radius, .epsilon = 1e-6F});
      EXPECT_THAT(alpha.span(), Each(value)) << radius;
    }
  }
}

TEST(GuidedFilter, APlainPhotoMovesNothing) {
  // Where windows hold one value only it stays; the map's edge becomes a ramp as wide as two windows.
  Map map(60, 10);
  for (std::size_t i = 0; i < map.values.size(); ++i) map.values[i] = i % 60 < 30 ? 0.25F : 0.75F;
  const auto alpha = alpha_of(map, plain_photo(60, 10, {90, 200, 40}), {.radius = 5, .low = 0, .high = 1});
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    const std::size_t x = i % 60;
    if (x < 20) {
      ASSERT_FLOAT_EQ(alpha[i], 0.25F);
    } else if (x >= 40) {
      ASSERT_FLOAT_EQ(alpha[i], 0.75F);
    } else {
      ASSERT_GE(alpha[i], alpha[i - 1] - 1e-6F);
    }
  }
  EXPECT_NEAR(alpha[29] + alpha[30], 1, 1e-6);
}

TEST(GuidedFilter, APlainPhotoOnACoarseGridEqualsTheReference) {
  std::mt19937_64 random(test::test_seed());
  Image photo = plain_photo(200, 110, {90, 200, 40});
  expect_equals_reference(random_map(9, 7, random), photo, {.radius = 30, .epsilon = 1e-2F, .low = 0, .high = 1}, 2);
  // Its lower right quarter has something in it.
  for (int y = 60; y < 110; ++y) photo.row(y)[3 * (100 + y % 70)] = 200;
  expect_equals_reference(random_map(9, 7, random), photo, {.radius = 30, .epsilon = 1e-2F, .low = 0, .high = 1}, 2);
}

// Orange on a blue of the same luminance: what the map knows coarsely, the colours know exactly.
TEST(GuidedFilter, EdgesBecomeThePicturesEvenOfEqualLuminance) {
  constexpr int kSide = 256;
  constexpr int kShare = 16;
  Image photo = plain_photo(kSide, kSide, {60, 140, 235});
  std::vector<float> truth;
  Map map(kSide / kShare, kSide / kShare);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const bool inside = std::hypot(x - 120, y - 131) < 70 + 12 * std::sin(x * 0.2);
      truth.push_back(inside ? 1 : 0);
      if (!inside) continue;
      photo.row(y)[3 * x] = 215;
      photo.row(y)[3 * x + 1] = 95;
      photo.row(y)[3 * x + 2] = 50;
      map.values[static_cast<std::size_t>(y / kShare * map.width + x / kShare)] += 1.0F / (kShare * kShare);
    }
  }
  const auto alpha = alpha_of(map, photo, {});
  const auto wrong = [&](const auto& values) {
    double sum = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) sum += std::abs(double{values[i]} - double{truth[i]});
    return sum / static_cast<double>(truth.size());
  };
  std::vector<float> enlarged;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x)
      enlarged.push_back(map.values[static_cast<std::size_t>(y / kShare * map.width + x / kShare)]);
  }
  EXPECT_LT(wrong(alpha.span()), 0.2 * wrong(enlarged));
}

TEST(GuidedFilter, NothingInTheMapMakesNan) {
  std::mt19937_64 random(test::test_seed());
  const Image photo = random_photo(40, 30, random);
  Map map = random_map(12, 9, random);
  Map sound = map;
  const float bad[] = {kNan, kInfinity, -kInfinity, 3e38F, -3e38F};
  const float good[] = {0, 1, 0, 1, 0};
  for (std::size_t i = 0; i < map.values.size(); i += 3) {
    map.values[i] = bad[i / 3 % 5];
    sound.values[i] = good[i / 3 % 5];
  }
  const auto alpha = alpha_of(map, photo, {.epsilon = 1e-6F});
  EXPECT_THAT(alpha.span(), Each(::testing::AllOf(::testing::Ge(0.0F), ::testing::Le(1.0F))));
  EXPECT_TRUE(std::ranges::equal(alpha.span(), alpha_of(sound, photo, {.epsilon = 1e-6F}).span()));
}

TEST(GuidedFilter, IsTheSameOnAnyNumberOfThreads) {
  std::mt19937_64 random(test::test_seed());
  const Image photo = random_photo(333, 1000, random);
  const Map map = random_map(40, 40, random);
  const auto one = alpha_of(map, photo, {}, 1);
  for (const int threads : {2, 3, 4, 5}) {
    const auto alpha = alpha_of(map, photo, {}, threads);
    EXPECT_EQ(std::memcmp(alpha.data(), one.data(), one.size() * sizeof(float)), 0) << threads;
  }
}

TEST(GuidedFilter, RefusesWhatMakesNoSense) {
  ThreadPool pool(1);
  const Image photo = plain_photo(8, 8, {});
  const Image gray = Image::create(8, 8, 1).value();
  const Map map(4, 4);
  const auto message = [&](const ProbabilityView& view, const Image& image, const GuidedFilter& filter) {
    const auto alpha = guided_alpha(view, image, filter, pool, {});
    EXPECT_FALSE(alpha);
    if (alpha) return std::string();
    EXPECT_EQ(alpha.error().code, ErrorCode::kInvalidArgument);
    return alpha.error().message;
  };
  EXPECT_THAT(message(map.view(), gray, {}), HasSubstr("8 × 8 with 1 channels"));
  EXPECT_THAT(message(map.view(), Image{}, {}), HasSubstr("0 × 0"));
  EXPECT_THAT(message({map.values, 4, 3}, photo, {}), HasSubstr("4 × 3 with 16 values"));
  EXPECT_THAT(message({map.values, -4, -4}, photo, {}), HasSubstr("-4 × -4"));
  EXPECT_THAT(message({{}, 0, 0}, photo, {}), HasSubstr("0 × 0"));
  for (const float epsilon : {0.0F, -1.0F, 2.0F, kNan, 1e-9F})
    EXPECT_THAT(message(map.view(), photo, {.epsilon = epsilon}), HasSubstr("epsilon"));
  EXPECT_THAT(message(map.view(), photo, {.radius = -1}), HasSubstr("radius"));
  EXPECT_THAT(message(map.view(), photo, {.low = 0.5F, .high = 0.5F}), HasSubstr("low < high"));
  EXPECT_THAT(message(map.view(), photo, {.low = kNan}), HasSubstr("low"));
  EXPECT_THAT(message(map.view(), photo, {.high = kNan}), HasSubstr("high"));
}

TEST(GuidedFilter, Stops) {
  ThreadPool pool(2);
  std::stop_source source;
  source.request_stop();
  const auto alpha = guided_alpha(Map(4, 4).view(), plain_photo(300, 300, {}), {}, pool, source.get_token());
  ASSERT_FALSE(alpha);
  EXPECT_EQ(alpha.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace silhouette
