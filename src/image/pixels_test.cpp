#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/pixels.hpp"
#include "image/test_images.hpp"

namespace silhouette {
namespace {

using test::Colour;
using test::pixel;
using ::testing::HasSubstr;

std::vector<std::byte> counting(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

TEST(Pixels, RgbIsCopiedWithAnyStride) {
  const auto bytes = counting(200);
  for (const std::size_t stride : {0U, 6U, 7U, 64U}) {
    const std::size_t step = stride == 0 ? 6 : stride;
    // The padding behind the last row may be there or not.
    for (const std::size_t size : {step * 3, step * 2 + 6}) {
      const auto image = image_from_pixels({.bytes = std::span(bytes).first(size),
                                            .width = 2,
                                            .height = 3,
                                            .format = PixelFormat::kRgb,
                                            .stride = stride});
      ASSERT_TRUE(image) << image.error().message;
      const int last = static_cast<int>(step * 2 + 3);
      EXPECT_EQ(pixel(*image, 1, 2), (Colour{last, last + 1, last + 2}));
    }
  }
}

TEST(Pixels, GreyIsRepeatedAndAlphaFlattenedOnWhite) {
  const auto grey = counting(4);
  const auto repeated =
      image_from_pixels({.bytes = grey, .width = 2, .height = 2, .format = PixelFormat::kGray, .stride = 0});
  EXPECT_EQ(pixel(repeated.value(), 1, 1), (Colour{3, 3, 3}));
  for (int value = 0; value < 256; value += 5) {
    for (int alpha = 0; alpha < 256; ++alpha) {
      const std::byte rgba[] = {static_cast<std::byte>(value), std::byte{0}, std::byte{255},
                                static_cast<std::byte>(alpha)};
      const auto flat =
          image_from_pixels({.bytes = rgba, .width = 1, .height = 1, .format = PixelFormat::kRgba, .stride = 0});
      const int expected = (value * alpha + 255 * (255 - alpha) + 127) / 255;
      ASSERT_EQ(pixel(flat.value(), 0, 0), (Colour{expected, 255 - alpha, 255})) << value << " " << alpha;
    }
  }
}

TEST(Pixels, WrongSizesAreRefused) {
  const auto bytes = counting(24);
  const auto attempt = [&](std::size_t size, int width, int height, PixelFormat format, std::size_t stride) {
    const auto image = image_from_pixels(
        {.bytes = std::span(bytes).first(size), .width = width, .height = height, .format = format, .stride = stride});
    return image ? Error{} : image.error();
  };
  const auto expect = [](const Error& error, ErrorCode code, const char* text) {
    EXPECT_EQ(error.code, code) << error.message;
    EXPECT_THAT(error.message, HasSubstr(text));
  };
  expect(attempt(23, 4, 2, PixelFormat::kRgb, 0), ErrorCode::kInvalidArgument, "23 bytes");
  expect(attempt(24, 3, 2, PixelFormat::kRgb, 0), ErrorCode::kInvalidArgument, "18 are needed");
  expect(attempt(0, 1, 1, PixelFormat::kRgb, 0), ErrorCode::kInvalidArgument, "0 bytes");
  expect(attempt(24, 0, 2, PixelFormat::kRgb, 0), ErrorCode::kInvalidArgument, "0 × 2");
  expect(attempt(24, 4, -2, PixelFormat::kRgb, 0), ErrorCode::kInvalidArgument, "4 × -2");
  expect(attempt(24, 4, 2, PixelFormat::kRgb, 11), ErrorCode::kInvalidArgument, "stride of 11");
  expect(attempt(24, 4, 2, static_cast<PixelFormat>(2), 0), ErrorCode::kInvalidArgument, "format 2");
  expect(attempt(24, 4, 3, PixelFormat::kRgb, std::numeric_limits<std::size_t>::max()), ErrorCode::kInvalidArgument,
         "stride");
  expect(attempt(24, 20'000, 10'000, PixelFormat::kRgb, 0), ErrorCode::kLimitExceeded, "20000 × 10000");
  expect(attempt(24, std::numeric_limits<int>::max(), 1, PixelFormat::kRgb, 0), ErrorCode::kLimitExceeded, "limit");
}

}  // namespace
}  // namespace silhouette
