#include "postprocess/rle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "postprocess/test_masks.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::Mask;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Pixel by pixel, column by column.
Rle plain_rle(const Mask& mask) {
  Rle rle{mask.width, mask.height, {0}};
  bool last = false;
  for (int x = 0; x < mask.width; ++x) {
    for (int y = 0; y < mask.height; ++y) {
      if (mask.at(x, y) != last) rle.counts.push_back(0);
      last = mask.at(x, y);
      ++rle.counts.back();
    }
  }
  return rle;
}

Box plain_box(const Mask& mask) {
  int left = mask.width;
  int right = -1;
  int top = mask.height;
  int bottom = -1;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (!mask.at(x, y)) continue;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
  }
  return right < 0 ? Box{} : Box{left, top, right - left + 1, bottom - top + 1};
}

Mask golden_mask(const nlohmann::json& golden) {
  if (golden.contains("rows")) return Mask(golden["rows"].get<std::vector<std::string>>());
  Mask mask(golden["size"][1].get<int>(), golden["size"][0].get<int>());
  const auto pattern = golden["pattern"].get<std::vector<int>>();
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      mask.set(x, y, (x * pattern[0] + y * pattern[1]) % pattern[2] < pattern[3]);
    }
  }
  return mask;
}

TEST(Rle, IsWhatPycocotoolsWrites) {
  const auto goldens = nlohmann::json::parse(std::ifstream(test::source_file("tests/golden/shapes/rle.json")));
  ASSERT_GT(goldens.size(), 30U);
  for (const auto& golden : goldens) {
    SCOPED_TRACE(golden["name"]);
    const Mask mask = golden_mask(golden);
    const Rle rle = class_rle(mask.classes, mask.width, mask.height, Mask::kSetClass).value();
    EXPECT_EQ(rle.compressed().value(), golden["counts"].get<std::string>());
    if (golden.contains("runs")) {
      EXPECT_EQ(rle.counts, golden["runs"].get<std::vector<std::uint32_t>>());
    }
    EXPECT_EQ(rle.area(), golden["area"].get<std::int64_t>());
    const Box box = rle.bounding_box();
    EXPECT_EQ(nlohmann::json({box.x, box.y, box.width, box.height}), golden["bbox"]);

    const auto parsed = parse_rle(golden["counts"].get<std::string>(), mask.width, mask.height);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(*parsed, rle);
    EXPECT_EQ(decode_rle(*parsed).value(), mask.bytes());
  }
}

TEST(Rle, FastPathIsThePlainOne) {
  std::mt19937_64 random(test::test_seed());
  for (int round = 0; round < 300; ++round) {
    const int width = std::uniform_int_distribution(1, 150)(random);
    const int height = std::uniform_int_distribution(1, 150)(random);
    const Mask mask = round % 2 == 0 ? test::noise_mask(random, width, height, 0.5)
                                     : test::box_mask(random, width, height, 1 + round % 7);
    const Rle rle = class_rle(mask.classes, width, height, Mask::kSetClass).value();
    ASSERT_EQ(rle, plain_rle(mask)) << width << " × " << height;
    ASSERT_EQ(rle, encode_rle(mask.bytes(), width, height).value());
    ASSERT_EQ(rle.area(), mask.area());
    ASSERT_EQ(rle.bounding_box(), plain_box(mask));
    ASSERT_EQ(decode_rle(rle).value(), mask.bytes());
    ASSERT_EQ(parse_rle(rle.compressed().value(), width, height).value(), rle);
  }
}

TEST(Rle, TakesRunsOfNoLength) {
  const Rle odd{4, 3, {0, 0, 4, 2, 0, 1, 0, 0, 5, 0}};
  const auto mask = decode_rle(odd).value();
  EXPECT_THAT(mask, ElementsAre(0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0));
  EXPECT_EQ(odd.area(), 3);
  EXPECT_EQ(odd.bounding_box(), (Box{1, 0, 2, 3}));
  EXPECT_EQ(parse_rle(odd.compressed().value(), 4, 3).value(), odd);
}

void expect_refused(const auto& result, ErrorCode code, const char* text) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code);
  EXPECT_THAT(result.error().message, HasSubstr(text));
}

TEST(Rle, RefusesTextThatIsNone) {
  const auto refuse = [](std::string_view text, const char* why) {
    expect_refused(parse_rle(text, 4, 3), ErrorCode::kInvalidArgument, why);
  };
  refuse("", "sum to 0, a mask of 4 × 3 has 12");
  refuse(";", "sum to 11");
  refuse("/", "byte 0 is 0x2f");
  refuse("5 7", "byte 1 is 0x20");
  refuse(std::string_view("5\0", 2), "byte 1 is 0x00");
  refuse("5p", "byte 1 is 0x70");
  refuse("5\xFF", "byte 1 is 0xff");
  refuse("5Q", "ends within a count, after byte 2");
  refuse("Z", "ends within a count");
  refuse("QQQQQQQQ", "too long");
  refuse("O", "at byte 0 is -1");
  refuse("1111M", "at byte 4 is -2");
  refuse("oooooo?", "sum to");
  refuse("oooooo@", "is -");
  refuse(std::string(100, '0'), "more runs than the 12 pixels");
}

TEST(Rle, RefusesSizesAndSumsThatDoNotFit) {
  constexpr int kMost = std::numeric_limits<int>::max();
  expect_refused(parse_rle("1", 0, 1), ErrorCode::kInvalidArgument, "0 × 1");
  expect_refused(parse_rle("1", kMost, kMost), ErrorCode::kLimitExceeded, "2147483647 × 2147483647");
  expect_refused(decode_rle({4, 3, {}}), ErrorCode::kInvalidArgument, "sum to 0");
  expect_refused(decode_rle({4, 3, {13}}), ErrorCode::kInvalidArgument, "sum to 13, a mask of 4 × 3");
  constexpr auto kLargest = std::numeric_limits<std::uint32_t>::max();
  expect_refused(decode_rle({4, 3, {kLargest, 13}}), ErrorCode::kInvalidArgument, "sum to 4294967308");
  expect_refused(decode_rle({-4, -3, {12}}), ErrorCode::kInvalidArgument, "-4 × -3");
  expect_refused(decode_rle({kMost, 3, {12}}), ErrorCode::kLimitExceeded, "2147483647 × 3");
  expect_refused(encode_rle(std::vector<std::uint8_t>(11), 4, 3), ErrorCode::kInvalidArgument, "not 11");
  EXPECT_EQ((Rle{0, 0, {1, 2, 3}}).bounding_box(), Box{});
  EXPECT_EQ((Rle{3, 3, {}}).bounding_box(), Box{});
}

TEST(Rle, RandomTextIsAMaskOrAnError) {
  std::mt19937_64 random(test::test_seed());
  int sound = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Mask mask = test::box_mask(random, 30, 20, 4);
    std::string text = plain_rle(mask).compressed().value();
    for (int flips = round % 3; flips >= 0; --flips) {
      text[random() % text.size()] = static_cast<char>(round % 5 == 0 ? random() % 256 : '0' + random() % 64);
    }
    const auto rle = parse_rle(text, 30, 20);
    if (!rle) {
      ASSERT_EQ(rle.error().code, ErrorCode::kInvalidArgument);
      continue;
    }
    ++sound;
    const auto decoded = decode_rle(*rle).value();
    ASSERT_EQ(std::ranges::count(decoded, 1), rle->area());
  }
  EXPECT_GT(sound, 10) << "the changes never give another mask";
}

TEST(Rle, HoldsLargestCounts) {
  const Rle rle{15'000, 10'000, {75'000'000, 1, 74'999'999}};
  EXPECT_EQ(parse_rle(rle.compressed().value(), rle.width, rle.height).value(), rle);
  const Rle differences{1, 1, {0, 0xFFFFFFFF, 1, 0, 0xFFFFFFFF, 0xFFFFFFFF}};
  EXPECT_FALSE(parse_rle(differences.compressed().value(), 1, 1));
}

}  // namespace
}  // namespace silhouette
