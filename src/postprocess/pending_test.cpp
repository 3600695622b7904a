// make_class_maps of logits whose last upsampling is pending.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/image.hpp"
#include "postprocess/columns.hpp"
#include "postprocess/postprocess.hpp"
#include "postprocess/reference.hpp"
#include "postprocess/test_logits.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::expect_equals_reference;
using test::for_each_target;
using test::kEpsilon;
using test::kInfinity;
using test::kNan;
using test::lead_of;
using test::Logits;
using test::maps_of;
using test::probability_error_of;
using test::same_bytes;
using test::test_seed;
using test::value_error_of;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Logits pending_to(Logits logits, int width, int height, bool aligned_corners) {
  logits.pending = Upsampling{height, width, aligned_corners};
  return logits;
}

/// The logits that are pending, made.
Logits materialised(const Logits& logits) {
  Logits made(logits.channels, logits.pending->height, logits.pending->width);
  for (int y = 0; y < made.height; ++y) {
    for (int x = 0; x < made.width; ++x) {
      const auto values = reference_logits(logits.view(), made.width, made.height, x, y);
      for (int c = 0; c < made.channels; ++c)
        made.at(c, y, x) = static_cast<float>(values[static_cast<std::size_t>(c)]);
    }
  }
  return made;
}

TEST(Axis, AlignedCornersMeet) {
  const Axis network = make_axis(33, 513, true);
  for (std::size_t i = 0; i < 513; ++i) {
    ASSERT_EQ(network.index[i], static_cast<int>(i / 16));
    ASSERT_EQ(network.weight[i], static_cast<float>(i % 16) / 16);
  }
  const Axis shrunk = make_axis(10, 4, true);
  EXPECT_THAT(shrunk.index, ElementsAre(0, 3, 6, 9));
  EXPECT_THAT(shrunk.weight, Each(0.0F));
  EXPECT_THAT(make_axis(5, 1, true).index, ElementsAre(0));
  EXPECT_THAT(make_axis(5, 1, true).weight, ElementsAre(0.0F));
  EXPECT_THAT(make_axis(1, 7, true).index, Each(0));
  EXPECT_THAT(make_axis(1, 7, true).weight, Each(0.0F));
  EXPECT_THAT(make_axis(3, 3, true).index, ElementsAre(0, 1, 2));
  // No position is beyond the last one, whichever way the scale is rounded.
  for (int output = 2; output < 300; ++output) {
    const Axis axis = make_axis(50, output, true);
    ASSERT_NEAR(static_cast<float>(axis.index.back()) + axis.weight.back(), 49.0F, 1e-5F) << output;
    ASSERT_LE(axis.index.back(), 49);
    ASSERT_TRUE(std::ranges::is_sorted(axis.index));
  }
}

TEST(PendingClassMaps, EqualReferenceAtEveryWidthAroundVectors) {
  std::mt19937_64 random(test_seed());
  for_each_target([&] {
    for (const int source_width : {1, 2, 5, 9}) {
      for (const int upsampled_width : {1, 3, 4, 8, 15, 16, 17, 33}) {
        for (const int width : {1, 7, 16, 33, 40}) {
          const bool aligned_corners = width % 2 == upsampled_width % 2;
          const Logits logits =
              pending_to(Logits::random(3, 3, source_width, random), upsampled_width, 5, aligned_corners);
          expect_equals_reference(logits, width, 6, {}, 1);
          expect_equals_reference(logits, width, 6, std::array{2, 0}, 1);
          expect_equals_reference(logits, upsampled_width, 5, std::array{2, 0}, 1);
        }
      }
    }
  });
}

TEST(PendingClassMaps, EqualReferenceOverShapesChannelsClassesAndThreads) {
  std::mt19937_64 random(test_seed());
  const auto pick = [&](std::initializer_list<int> values) {
    return *(values.begin() + std::uniform_int_distribution<std::size_t>(0, values.size() - 1)(random));
  };
  for_each_target([&] {
    for (int round = 0; round < 40; ++round) {
      const int channels = pick({1, 1, 2, 21, 21, 150});
      const bool single = channels == 1;
      Logits logits = Logits::random(channels, pick({1, 2, 9, 14}), pick({1, 2, 9, 14}), random, single ? 0.0F : -8.0F,
                                     single ? 1.0F : 8.0F);
      logits.pending = Upsampling{pick({1, 5, 17, 28}), pick({1, 5, 17, 57}), round % 2 == 0};
      std::vector<int> classes;
      switch (round % 4) {
        case 0:
        case 1: break;
        case 2: classes = {1, 0, 1}; break;
        default:
          classes.resize(static_cast<std::size_t>(std::max(2, channels)));
          std::iota(classes.begin(), classes.end(), 0);
      }
      const int threads = pick({1, 3});
      expect_equals_reference(logits, logits.pending->width, logits.pending->height, classes, threads);
      expect_equals_reference(logits, pick({1, 9, 28, 57, 100}), pick({1, 9, 28, 40}), classes, threads);
    }
  });
}

TEST(PendingClassMaps, ManyBandsAndWindowsEqualReference) {
  std::mt19937_64 random(test_seed());
  for (const bool aligned_corners : {false, true}) {
    // Windows in both interpolations, and bands that begin between any two upsampled rows.
    const Logits logits = pending_to(Logits::random(21, 10, 160, random), 300, 31, aligned_corners);
    expect_equals_reference(logits, 500, 40, {}, 3);
    expect_equals_reference(logits, 500, 40, std::array{0, 20}, 3);
    expect_equals_reference(logits, 210, 13, std::array{0, 20}, 3);
  }
}

TEST(PendingClassMaps, EqualThoseOfMaterialisedLogits) {
  std::mt19937_64 random(test_seed());
  const std::vector<int> classes{1, 0};
  for_each_target([&] {
    for (const int channels : {1, 2, 21}) {
      for (const bool aligned_corners : {false, true}) {
        const bool single = channels == 1;
        const Logits logits =
            pending_to(Logits::random(channels, 5, 7, random, single ? 0.0F : -8.0F, single ? 1.0F : 8.0F), 50, 40,
                       aligned_corners);
        const Logits made = materialised(logits);
        for (const auto& [width, height] :
             {std::pair{50, 40}, std::pair{120, 90}, std::pair{50, 90}, std::pair{31, 9}}) {
          const ClassMaps maps = maps_of(logits, width, height, classes);
          const ClassMaps expected = maps_of(made, width, height, classes);
          // Both sides round, and so did the materialised logits themselves.
          const double value_error = value_error_of(logits) + value_error_of(made);
          for (std::size_t i = 0; i < expected.argmax.size(); ++i) {
            for (std::size_t k = 0; k < classes.size(); ++k) {
              ASSERT_NEAR(maps.probabilities[k][i], expected.probabilities[k][i],
                          probability_error_of(logits, value_error));
            }
            if (maps.argmax[i] == expected.argmax[i]) continue;
            const int x = static_cast<int>(i) % width;
            const auto values = reference_logits(logits.view(), width, height, x, static_cast<int>(i) / width);
            ASSERT_LE(std::abs(lead_of(logits, values, expected.argmax[i], maps.argmax[i])), 2 * value_error)
                << "pixel " << i << " of " << width << "×" << height;
          }
        }
      }
    }
  });
}

TEST(PendingClassMaps, HalfPixelUpsamplingToTheAskedSizeIsResizing) {
  std::mt19937_64 random(test_seed());
  for (const int channels : {1, 4}) {
    const Logits logits = Logits::random(channels, 9, 14, random, -1, 2);
    const ClassMaps resized = maps_of(logits, 100, 60, std::array{0, 1});
    const ClassMaps upsampled = maps_of(pending_to(logits, 100, 60, false), 100, 60, std::array{0, 1});
    EXPECT_TRUE(same_bytes(resized.argmax, upsampled.argmax));
    for (std::size_t k = 0; k < 2; ++k) EXPECT_TRUE(same_bytes(resized.probabilities[k], upsampled.probabilities[k]));
    const ClassMaps aligned = maps_of(pending_to(logits, 100, 60, true), 100, 60, std::array{0, 1});
    EXPECT_FALSE(same_bytes(resized.probabilities[1], aligned.probabilities[1]));
  }
}

TEST(PendingClassMaps, UpsamplingToTheSameSizeChangesNothing) {
  std::mt19937_64 random(test_seed());
  const Logits logits = Logits::random(4, 9, 14, random);
  for (const bool aligned_corners : {false, true}) {
    for (const auto& [width, height] : {std::pair{14, 9}, std::pair{100, 60}}) {
      const ClassMaps plain = maps_of(logits, width, height, std::array{2});
      const ClassMaps same = maps_of(pending_to(logits, 14, 9, aligned_corners), width, height, std::array{2});
      EXPECT_TRUE(same_bytes(plain.argmax, same.argmax));
      EXPECT_TRUE(same_bytes(plain.probabilities[0], same.probabilities[0]));
    }
  }
}

TEST(PendingClassMaps, DecidedCellsEqualComputedOnes) {
  std::mt19937_64 random(test_seed());
  for_each_target([&] {
    for (const float step : {0.0F, 1e-7F, 1e-6F, 1e-5F, 1e-3F, 1.0F}) {
      // Regions of one class whose lead is `step`, so that it is undecided, barely decided or decided.
      Logits logits = Logits::random(4, 9, 11, random, -step / 8, step / 8);
      for (float& value : logits.values) value += 3;
      for (int y = 0; y < 9; ++y) {
        for (int x = 0; x < 11; ++x) logits.at((x / 4 + y / 3) % 4, y, x) += step;
      }
      for (const bool aligned_corners : {false, true}) {
        logits.pending = Upsampling{57, 71, aligned_corners};
        for (const auto& [width, height] : {std::pair{71, 57}, std::pair{161, 97}, std::pair{700, 57}}) {
          const ClassMaps decided = maps_of(logits, width, height, {});
          const ClassMaps computed = maps_of(logits, width, height, std::array{0});
          ASSERT_TRUE(same_bytes(decided.argmax, computed.argmax)) << step << " " << width;
        }
      }
    }
  });
}

TEST(PendingClassMaps, DoNotDependOnTheNumberOfThreads) {
  std::mt19937_64 random(test_seed());
  for (const int channels : {1, 5}) {
    const Logits logits = pending_to(Logits::random(channels, 10, 15, random, 0, 1), 60, 40, true);
    for (const std::vector<int>& classes : {std::vector<int>{}, std::vector<int>{1}}) {
      const ClassMaps one = maps_of(logits, 300, 270, classes, 1);
      for (const int threads : {2, 3, 8}) {
        const ClassMaps several = maps_of(logits, 300, 270, classes, threads);
        EXPECT_TRUE(same_bytes(one.argmax, several.argmax));
        for (std::size_t k = 0; k < classes.size(); ++k) {
          EXPECT_TRUE(same_bytes(one.probabilities[k], several.probabilities[k]));
        }
      }
    }
  }
}

TEST(PendingClassMaps, ValuesAreLimitedBeforeTheFirstInterpolation) {
  std::mt19937_64 random(test_seed());
  const std::array specials{kNan, kInfinity, -kInfinity, 3.4e38F, -3.4e38F, 1e-40F, -0.0F, 90.0F};
  for_each_target([&] {
    for (int round = 0; round < 40; ++round) {
      const bool single = round % 4 == 0;
      Logits hostile = Logits::random(single ? 1 : 6, 5, 7, random);
      std::uniform_int_distribution<std::size_t> at(0, hostile.values.size() - 1);
      for (int i = 0; i < round; ++i) {
        hostile.values[at(random)] = specials[static_cast<std::size_t>(i) % specials.size()];
      }
      hostile.pending = Upsampling{20, 30, round % 2 == 0};
      Logits limited = hostile;
      const float low = single ? 0.0F : -1e30F;
      for (float& value : limited.values) {
        value = std::isnan(value) ? low : std::clamp(value, low, single ? 1.0F : 1e30F);
      }
      for (const auto& [width, height] : {std::pair{30, 20}, std::pair{50, 43}, std::pair{9, 7}}) {
        const ClassMaps maps = maps_of(hostile, width, height, std::array{0, 1});
        const ClassMaps expected = maps_of(limited, width, height, std::array{0, 1});
        ASSERT_TRUE(same_bytes(maps.argmax, expected.argmax));
        ASSERT_TRUE(same_bytes(maps.argmax, maps_of(hostile, width, height, {}).argmax));
        for (std::size_t k = 0; k < 2; ++k) {
          ASSERT_TRUE(same_bytes(maps.probabilities[k], expected.probabilities[k]));
          for (const float p : maps.probabilities[k].span()) ASSERT_TRUE(p >= 0 && p <= 1) << p;
        }
      }
    }
  });
}

TEST(PendingClassMaps, RefuseSizesThatMakeNoSense) {
  Logits logits(3, 4, 5);
  ThreadPool pool(1);
  const auto error = [&](int width, int height) {
    logits.pending = Upsampling{height, width, true};
    auto maps = make_class_maps(logits.view(), 5, 4, {}, pool, {});
    EXPECT_FALSE(maps);
    return maps ? Error{} : maps.error();
  };
  constexpr int kLargest = std::numeric_limits<int>::max();
  EXPECT_EQ(error(0, 4).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error(5, -1).code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error(5, -1).message, HasSubstr("-1 × 5"));
  EXPECT_EQ(error(std::numeric_limits<int>::min(), 4).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error(kMaxImageSide + 1, 1).code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(error(1, kMaxImageSide + 1).code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(error(kLargest, kLargest).code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(error(20'000, 10'000).code, ErrorCode::kLimitExceeded);
  EXPECT_THAT(error(20'000, 10'000).message, HasSubstr("10000 × 20000"));
  logits.pending = Upsampling{4, 5, true};
  EXPECT_TRUE(make_class_maps(logits.view(), 5, 4, {}, pool, {}));
  logits.height = 5;
  EXPECT_EQ(error(50, 40).code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error(50, 40).message, HasSubstr("60 values"));
}

}  // namespace
}  // namespace silhouette
