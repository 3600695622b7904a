#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <random>
#include <string>
#include <thread>
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
using test::Logits;
using test::maps_of;
using test::same_bytes;
using test::test_seed;
using ::testing::HasSubstr;

TEST(ColumnPlan, TakesTheFirstModeThatSuits) {
  const auto mode = [](int input, int output, int lanes) {
    return make_column_plan(make_axis(input, output), input, lanes).mode;
  };
  EXPECT_EQ(mode(513, 513, 8), ColumnMode::kCopy);
  EXPECT_EQ(mode(513, 4000, 8), ColumnMode::kShuffle128);
  EXPECT_EQ(mode(513, 640, 8), ColumnMode::kShuffle);
  EXPECT_EQ(mode(513, 640, 4), ColumnMode::kShuffle128);
  EXPECT_EQ(mode(513, 480, 8), ColumnMode::kShuffle2);
  EXPECT_EQ(mode(513, 100, 8), ColumnMode::kGather);
  EXPECT_EQ(mode(1, 1000, 8), ColumnMode::kShuffle128);
}

TEST(ClassMaps, EqualReferenceAtEveryWidthAroundVectors) {
  std::mt19937_64 random(test_seed());
  for_each_target([&] {
    for (const int source_width : {1, 2, 3, 5, 8, 13, 33}) {
      for (const int width : {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 33, 64, 100}) {
        const Logits logits = Logits::random(3, 4, source_width, random);
        expect_equals_reference(logits, width, 7, {}, 1);
        expect_equals_reference(logits, width, 7, std::array{2, 0}, 1);
      }
    }
  });
}

TEST(ClassMaps, EqualReferenceOverShapesChannelsClassesAndThreads) {
  std::mt19937_64 random(test_seed());
  const auto pick = [&](std::initializer_list<int> values) {
    return *(values.begin() + std::uniform_int_distribution<std::size_t>(0, values.size() - 1)(random));
  };
  for_each_target([&] {
    for (int round = 0; round < 40; ++round) {
      const int channels = pick({1, 1, 2, 3, 21, 150});
      const bool single = channels == 1;
      const Logits logits = Logits::random(channels, pick({1, 2, 9, 28}), pick({1, 2, 9, 28, 57}), random,
                                           single ? 0.0F : -8.0F, single ? 1.0F : 8.0F);
      std::vector<int> classes;
      switch (round % 4) {
        case 0: break;
        case 1: classes = {std::max(2, channels) - 1}; break;
        case 2: classes = {1, 0, 1}; break;
        default:
          classes.resize(static_cast<std::size_t>(std::max(2, channels)));
          std::iota(classes.begin(), classes.end(), 0);
      }
      expect_equals_reference(logits, pick({1, 9, 28, 57, 200}), pick({1, 9, 28, 90}), classes, pick({1, 3}));
    }
  });
}

TEST(ClassMaps, ManyBandsAndWindowsEqualReference) {
  std::mt19937_64 random(test_seed());
  const Logits logits = Logits::random(21, 40, 300, random);
  expect_equals_reference(logits, 500, 90, {}, 3);
  expect_equals_reference(logits, 500, 90, std::array{0, 20}, 3);
  expect_equals_reference(logits, 210, 90, std::array{0, 20}, 3);
}

TEST(ClassMaps, LargeLogitsEqualReference) {
  std::mt19937_64 random(test_seed());
  for_each_target([&] {
    // Beyond what exp takes without a shift: alone, and mixed with ordinary rows.
    expect_equals_reference(Logits::random(5, 6, 9, random, -3000, 3000), 30, 20, std::array{0, 1, 2, 3, 4}, 1);
    Logits logits = Logits::random(5, 6, 9, random);
    for (int x = 0; x < 9; ++x) logits.at(1, 3, x) *= 20;
    expect_equals_reference(logits, 30, 20, std::array{0, 1, 2, 3, 4}, 1);
    expect_equals_reference(Logits::random(5000, 1, 2, random), 3, 2, std::array{4999}, 1);
  });
}

TEST(ClassMaps, ProbabilitiesOfAllClassesSumToOne) {
  std::mt19937_64 random(test_seed());
  const Logits logits = Logits::random(21, 9, 9, random);
  std::vector<int> classes(21);
  std::iota(classes.begin(), classes.end(), 0);
  const ClassMaps maps = maps_of(logits, 50, 40, classes);
  for (std::size_t i = 0; i < maps.argmax.size(); ++i) {
    double sum = 0;
    for (const auto& map : maps.probabilities) sum += map[i];
    ASSERT_NEAR(sum, 1, 30 * kEpsilon);
  }
}

TEST(ClassMaps, DecidedCellsEqualComputedOnes) {
  std::mt19937_64 random(test_seed());
  for_each_target([&] {
    for (const float step : {0.0F, 1e-7F, 1e-6F, 1e-5F, 1e-3F, 1.0F}) {
      // Regions of one class whose lead is `step`, so that it is undecided, barely decided or decided.
      Logits logits = Logits::random(4, 13, 17, random, -step / 8, step / 8);
      for (float& value : logits.values) value += 3;
      for (int y = 0; y < 13; ++y) {
        for (int x = 0; x < 17; ++x) logits.at((x / 5 + y / 4) % 4, y, x) += step;
      }
      for (const int width : {40, 161, 700}) {
        const ClassMaps decided = maps_of(logits, width, 97, {});
        const ClassMaps computed = maps_of(logits, width, 97, std::array{0});
        ASSERT_TRUE(same_bytes(decided.argmax, computed.argmax)) << step << " " << width;
      }
    }
    // A class that leads by one bit everywhere loses where rounding makes both equal.
    Logits logits = Logits::random(2, 13, 17, random);
    for (std::size_t i = 0; i < logits.values.size() / 2; ++i) {
      logits.values[logits.values.size() / 2 + i] = std::nextafter(logits.values[i], kInfinity);
    }
    const ClassMaps computed = maps_of(logits, 161, 97, std::array{0});
    ASSERT_THAT(computed.argmax.span(), ::testing::Contains(0));
    ASSERT_TRUE(same_bytes(maps_of(logits, 161, 97, {}).argmax, computed.argmax));
  });
}

TEST(ClassMaps, EqualSizesAreExactAndTheFirstOfEqualsWins) {
  std::mt19937_64 random(test_seed());
  Logits logits(7, 20, 37);
  std::uniform_int_distribution<int> few(0, 2);
  for (float& value : logits.values) value = static_cast<float>(few(random)) * 0.1F;
  for_each_target([&] {
    for (const auto& [width, height] : {std::pair{37, 20}, std::pair{37, 20 * 3}}) {
      const ReferenceMaps expected = reference_class_maps(logits.view(), width, 20, {});
      const ClassMaps maps = maps_of(logits, width, height, {});
      const std::size_t step = static_cast<std::size_t>(height / 20);
      for (std::size_t i = 0; i < expected.argmax.size(); ++i) {
        // Of three rows the middle one lies on a source row.
        const std::size_t row = i / 37 * step + step / 2;
        ASSERT_EQ(maps.argmax[row * 37 + i % 37], expected.argmax[i]) << i;
      }
    }
  });
}

TEST(ClassMaps, DoNotDependOnTheNumberOfThreads) {
  std::mt19937_64 random(test_seed());
  for (const int channels : {1, 5}) {
    const Logits logits = Logits::random(channels, 40, 60, random, 0, 1);
    const ClassMaps one = maps_of(logits, 300, 270, std::array{1}, 1);
    for (const int threads : {2, 3, 8}) {
      const ClassMaps several = maps_of(logits, 300, 270, std::array{1}, threads);
      EXPECT_TRUE(same_bytes(one.argmax, several.argmax));
      EXPECT_TRUE(same_bytes(one.probabilities[0], several.probabilities[0]));
    }
  }
}

TEST(ClassMaps, SingleChannelIsAProbability) {
  Logits logits(1, 2, 6);
  logits.values = {0.0F, 0.5F, 0.500001F, 1.0F, 0.25F, kNan, -3.0F, 7.0F, kInfinity, -kInfinity, 0.75F, 0.5F};
  for_each_target([&] {
    const ClassMaps maps = maps_of(logits, 6, 2, std::array{0, 1});
    EXPECT_THAT(maps.argmax.span(), ::testing::ElementsAre(0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0));
    EXPECT_THAT(maps.probabilities[1].span(),
                ::testing::ElementsAre(0.0F, 0.5F, 0.500001F, 1.0F, 0.25F, 0.0F, 0.0F, 1.0F, 1.0F, 0.0F, 0.75F, 0.5F));
    for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(maps.probabilities[0][i], 1.0F - maps.probabilities[1][i]);
  });
}

TEST(ClassMaps, NanCountsAsMinusInfinity) {
  Logits logits(3, 1, 5);
  const std::array<std::array<float, 5>, 3> rows{{{kNan, 1.0F, kNan, 2.0F, -kInfinity},
                                                  {kNan, kNan, -900.0F, kInfinity, -kInfinity},
                                                  {kNan, 0.0F, kNan, kInfinity, -kInfinity}}};
  for (int c = 0; c < 3; ++c) std::ranges::copy(rows[static_cast<std::size_t>(c)], &logits.at(c, 0, 0));
  for_each_target([&] {
    const ClassMaps maps = maps_of(logits, 5, 1, std::array{0, 1, 2});
    EXPECT_THAT(maps.argmax.span(), ::testing::ElementsAre(0, 0, 1, 1, 0));
    const auto& p = maps.probabilities;
    for (const std::size_t i : {0U, 4U}) {
      for (const auto& map : p) EXPECT_NEAR(map[i], 1.0 / 3, 1e-7);
    }
    EXPECT_NEAR(p[0][1], 1 / (1 + std::exp(-1.0)), 1e-6);
    EXPECT_NEAR(p[1][1], 0, 1e-30);
    EXPECT_EQ(p[1][2], 1.0F);
    EXPECT_NEAR(p[0][3], 0, 1e-30);
    EXPECT_NEAR(p[1][3], 0.5, 1e-7);
    EXPECT_NEAR(p[2][3], 0.5, 1e-7);

    const ClassMaps wide = maps_of(logits, 5 * 9, 3, {});
    EXPECT_TRUE(same_bytes(wide.argmax, maps_of(logits, 5 * 9, 3, std::array{0}).argmax));
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(wide.argmax[45 + 9 * i + 4], maps.argmax[i]) << i;
  });
}

TEST(ClassMaps, LogitsBeyondTheLimitAreClampedWhereTheirAverageIsNot) {
  // Three quarters of the way from the first to the second, 3e30 as it is would still win.
  const std::array values{3e30F, -0.8e30F, 0.0F, 0.0F};
  for_each_target([&] {
    for (const bool down : {true, false}) {
      Logits logits(2, down ? 2 : 1, down ? 1 : 2);
      std::ranges::copy(values, logits.values.begin());
      for (const bool pending : {false, true}) {
        if (pending) logits.pending = Upsampling{down ? 4 : 1, down ? 1 : 4};
        for (const auto& classes : {std::vector<int>{}, std::vector<int>{0}}) {
          const ClassMaps maps = maps_of(logits, down ? 1 : 4, down ? 4 : 1, classes);
          EXPECT_THAT(maps.argmax.span(), ::testing::ElementsAre(0, 0, 1, 1)) << down << pending << classes.size();
        }
      }
      logits.pending.reset();
    }
  });
}

TEST(ClassMaps, NanInOneRowDoesNotDecideCells) {
  // In the second row NaN hides from plain comparisons that class 0 leads; what they would find leads in the first.
  Logits logits(4, 2, 9);
  for (int x = 0; x < 9; ++x) {
    logits.at(3, 0, x) = 10;
    const std::array below{20.0F, kNan, 5.0F, 6.0F};
    for (int c = 0; c < 4; ++c) logits.at(c, 1, x) = below[static_cast<std::size_t>(c)];
  }
  for_each_target([&] {
    const ClassMaps maps = maps_of(logits, 80, 40, {});
    EXPECT_EQ(maps.argmax[0], 3);
    EXPECT_EQ(maps.argmax[maps.argmax.size() - 1], 0);
    EXPECT_TRUE(same_bytes(maps.argmax, maps_of(logits, 80, 40, std::array{0}).argmax));
  });
}

TEST(ClassMaps, NeverGiveNan) {
  std::mt19937_64 random(test_seed());
  const std::array specials{kNan, kInfinity, -kInfinity, 3.4e38F, -3.4e38F, 1e-40F, -0.0F, 90.0F};
  for_each_target([&] {
    for (int round = 0; round < 40; ++round) {
      Logits logits = Logits::random(round % 4 == 0 ? 1 : 6, 5, 7, random);
      std::uniform_int_distribution<std::size_t> at(0, logits.values.size() - 1);
      for (int i = 0; i < round; ++i)
        logits.values[at(random)] = specials[static_cast<std::size_t>(i) % specials.size()];
      for (const auto& [width, height] : {std::pair{7, 5}, std::pair{50, 23}, std::pair{5, 4}, std::pair{2, 3}}) {
        const ClassMaps maps = maps_of(logits, width, height, std::array{0, 1});
        ASSERT_TRUE(same_bytes(maps.argmax, maps_of(logits, width, height, {}).argmax));
        for (std::size_t i = 0; i < maps.argmax.size(); ++i) {
          ASSERT_GE(maps.argmax[i], 0);
          ASSERT_LT(maps.argmax[i], std::max(2, logits.channels));
          for (const auto& map : maps.probabilities) ASSERT_TRUE(map[i] >= 0 && map[i] <= 1) << map[i];
        }
      }
    }
  });
}

TEST(ClassMaps, RefuseWhatMakesNoSense) {
  const Logits logits(3, 4, 5);
  ThreadPool pool(1);
  const auto error = [&](const LogitsView& view, int width, int height, std::vector<int> classes) {
    auto maps = make_class_maps(view, width, height, classes, pool, {});
    EXPECT_FALSE(maps);
    return maps ? Error{} : maps.error();
  };
  LogitsView view = logits.view();
  EXPECT_EQ(error(view, 0, 4, {}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error(view, 5, -1, {}).code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error(view, 5, -1, {}).message, HasSubstr("5 × -1"));
  EXPECT_EQ(error(view, 5, 4, {0, 3}).code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error(view, 5, 4, {0, 3}).message, HasSubstr("class 3"));
  EXPECT_EQ(error(view, 5, 4, {-1}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error(view, kMaxImageSide + 1, 1, {}).code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(error(view, 20'000, 10'000, {}).code, ErrorCode::kLimitExceeded);
  EXPECT_THAT(error(view, 20'000, 10'000, {}).message, HasSubstr("20000 × 10000"));
  view.height = 5;
  EXPECT_EQ(error(view, 5, 4, {}).code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error(view, 5, 4, {}).message, HasSubstr("60 values"));
  view = {{}, 0, 4, 5};
  EXPECT_EQ(error(view, 5, 4, {}).code, ErrorCode::kInvalidArgument);
  view = {logits.values, 1 << 30, 1 << 30, 1 << 30};
  EXPECT_EQ(error(view, 5, 4, {}).code, ErrorCode::kInvalidArgument);
  const Logits single(1, 4, 5);
  EXPECT_EQ(error(single.view(), 5, 4, {2}).code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(make_class_maps(single.view(), 5, 4, std::array{1}, pool, {}));
}

TEST(ClassMaps, StopWhenAsked) {
  const Logits logits(3, 20, 20);
  ThreadPool pool(2);
  std::stop_source stop;
  const std::jthread asker([&] { stop.request_stop(); });
  auto maps = make_class_maps(logits.view(), 2000, 500, {}, pool, stop.get_token());
  while (maps) maps = make_class_maps(logits.view(), 2000, 500, {}, pool, stop.get_token());
  EXPECT_EQ(maps.error().code, ErrorCode::kCancelled);
}

/// Results of PyTorch: `interpolate(mode="bilinear", align_corners=False)`, `softmax`, argmax.
TEST(ClassMaps, EqualPyTorch) {
  const auto folder = test::source_file("tests/golden/postprocess");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const auto kind = name.find("_argmax_");
    if (kind == std::string::npos) continue;
    ++files;
    SCOPED_TRACE(name);
    const std::string size = name.substr(kind + std::strlen("_argmax_"));
    const auto argmax = test::read_npy_int32(entry.path());
    const auto probabilities = test::read_npy_float(folder / (name.substr(0, kind) + "_probabilities_" + size));
    const auto source = test::read_npy_float(folder / (name.substr(0, kind) + "_logits.npy"));
    ASSERT_EQ(source.shape.size(), 3U);
    Logits logits(static_cast<int>(source.shape[0]), static_cast<int>(source.shape[1]),
                  static_cast<int>(source.shape[2]));
    logits.values = source.values;
    const int height = static_cast<int>(argmax.shape[0]);
    const int width = static_cast<int>(argmax.shape[1]);
    std::vector<int> classes{1};
    if (logits.channels > 1) {
      classes.resize(source.shape[0]);
      std::iota(classes.begin(), classes.end(), 0);
    }
    double magnitude = 0;
    for (const float value : logits.values) magnitude = std::max(magnitude, std::abs(double{value}));
    // Both sides round, each as little as the other.
    const double value_error = 2 * 10 * kEpsilon * magnitude;

    for_each_target([&] {
      const ClassMaps maps = maps_of(logits, width, height, classes);
      const ClassMaps classes_only = maps_of(logits, width, height, {});
      EXPECT_TRUE(same_bytes(maps.argmax, classes_only.argmax));
      ASSERT_EQ(maps.argmax.size(), argmax.values.size());
      for (std::size_t i = 0; i < argmax.values.size(); ++i) {
        for (std::size_t k = 0; k < classes.size(); ++k) {
          ASSERT_NEAR(maps.probabilities[k][i], probabilities.values[k * argmax.values.size() + i],
                      2 * value_error + 2e-6);
        }
        if (maps.argmax[i] == argmax.values[i]) continue;
        const int x = static_cast<int>(i) % width;
        const auto values = reference_logits(logits.view(), width, height, x, static_cast<int>(i) / width);
        const double lead = logits.channels == 1 ? std::abs(values[0] - 0.5)
                                                 : values[static_cast<std::size_t>(argmax.values[i])] -
                                                       values[static_cast<std::size_t>(maps.argmax[i])];
        ASSERT_LE(std::abs(lead), value_error) << "pixel " << i;
      }
    });
  }
  EXPECT_GE(files, 10) << "golden results are missing from " << folder;
}

}  // namespace
}  // namespace silhouette
