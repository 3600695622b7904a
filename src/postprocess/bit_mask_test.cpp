#include "postprocess/bit_mask.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "postprocess/test_masks.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using ::testing::HasSubstr;

bool bit(const BitMask& mask, int x, int y) {
  return (mask.row(y)[x / 64] >> (x % 64) & 1U) != 0;
}

TEST(BitMask, PacksTransposesAndExpands) {
  std::mt19937_64 random(test::test_seed());
  for (const int width : {1, 7, 8, 9, 63, 64, 65, 127, 128, 200}) {
    for (const int height : {1, 2, 63, 64, 65, 130}) {
      const auto expected = test::noise_mask(random, width, height, 0.4);
      const auto mask = select_class(expected.classes, width, height, test::Mask::kSetClass).value();
      const auto turned = transpose(mask).value();
      ASSERT_EQ(turned.width, height);
      ASSERT_EQ(turned.height, width);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          ASSERT_EQ(bit(mask, x, y), expected.at(x, y)) << x << ", " << y << " of " << width << " × " << height;
          ASSERT_EQ(bit(turned, y, x), expected.at(x, y)) << x << ", " << y << " of " << width << " × " << height;
        }
        ASSERT_EQ(mask.row(y)[width / 64] >> (width % 64), 0U) << "bits beyond the width";
      }
      std::vector<std::uint8_t> bytes(expected.classes.size());
      expand_bits(mask, bytes);
      EXPECT_EQ(bytes, expected.bytes());
      for (auto& value : bytes) value = value != 0 ? 0x80 : 0;
      const auto from_bytes = select_set(bytes, width, height).value();
      EXPECT_TRUE(std::ranges::equal(from_bytes.bits.span(), mask.bits.span()));
    }
  }
}

TEST(BitMask, ChecksSizes) {
  const auto expect = [](const Result<BitMask>& mask, ErrorCode code, const char* text) {
    ASSERT_FALSE(mask);
    EXPECT_EQ(mask.error().code, code);
    EXPECT_THAT(mask.error().message, HasSubstr(text));
  };
  constexpr int kMost = std::numeric_limits<int>::max();
  expect(BitMask::create(0, 5), ErrorCode::kInvalidArgument, "0 × 5");
  expect(BitMask::create(5, -1), ErrorCode::kInvalidArgument, "5 × -1");
  expect(BitMask::create(65'501, 1), ErrorCode::kLimitExceeded, "65501 × 1");
  expect(BitMask::create(kMost, kMost), ErrorCode::kLimitExceeded, "2147483647");
  expect(BitMask::create(50'000, 5'000), ErrorCode::kLimitExceeded, "50000 × 5000");
  const std::vector<std::int32_t> classes(11);
  expect(select_class(classes, 3, 4, 0), ErrorCode::kInvalidArgument, "12 values, not 11");
}

}  // namespace
}  // namespace silhouette
