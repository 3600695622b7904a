#include "image/decode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "image/test_images.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::Bytes;
using test::Colour;
using test::encode;
using test::gradient;
using test::gradient_sample;
using test::pixel;
using ::testing::HasSubstr;

constexpr int kWidth = 61;
constexpr int kHeight = 37;

Image decoded(const Bytes& bytes) {
  auto image = decode_image(bytes, "test image");
  if (!image) throw std::runtime_error(image.error().message);
  EXPECT_EQ(image->channels, 3);
  return std::move(*image);
}

int from_gradient(const Image& image) {
  EXPECT_EQ(image.width, kWidth);
  EXPECT_EQ(image.height, kHeight);
  return test::largest_difference(image, [](int x, int y, int c) { return gradient_sample(x, y, c, kWidth, kHeight); });
}

int white_behind(int value, int alpha) {
  return (value * alpha + 255 * (255 - alpha) + 127) / 255;
}

int from_flattened_gradient(const Image& image, int colours) {
  return test::largest_difference(image, [&](int x, int y, int c) {
    return white_behind(gradient_sample(x, y, colours == 1 ? 0 : c, kWidth, kHeight),
                        gradient_sample(x, y, 3, kWidth, kHeight));
  });
}

TEST(Decode, LosslessFormatsKeepEveryPixel) {
  const auto source = gradient(kWidth, kHeight);
  for (const char* const format :
       {".png", ".png[interlace]", ".png[compression=0,filter=all]", ".webp[lossless]", ".tif",
        ".tif[compression=deflate,predictor=horizontal]", ".tif[tile,tile-width=16,tile-height=16]",
        ".tif[compression=lzw,bigtiff]", ".ppm", ".ppm[ascii]"}) {
    EXPECT_EQ(from_gradient(decoded(encode(source, format))), 0) << format;
  }
}

TEST(Decode, LossyFormatsComeClose) {
  const auto source = gradient(kWidth, kHeight);
  for (const char* const format : {".jpg[Q=95,subsample-mode=off]", ".jpg[Q=95,subsample-mode=on]", ".webp[Q=95]"}) {
    EXPECT_LE(from_gradient(decoded(encode(source, format))), 16) << format;
  }
}

TEST(Decode, ProgressiveJpegEqualsBaseline) {
  const auto source = gradient(kWidth, kHeight);
  const Image baseline = decoded(encode(source, ".jpg[Q=90]"));
  const Image progressive = decoded(encode(source, ".jpg[Q=90,interlace]"));
  EXPECT_TRUE(std::ranges::equal(baseline.pixels.span(), progressive.pixels.span()));
}

TEST(Decode, HeifAndJpegXl) {
  const auto source = gradient(kWidth, kHeight);
  if (test::has_format("HEIF/AVIF")) {
    EXPECT_LE(from_gradient(decoded(encode(source, ".avif[lossless]"))), 8);
    EXPECT_LE(from_gradient(decoded(encode(source, ".heic[Q=95]"))), 24);
  }
  if (test::has_format("JPEG XL")) {
    EXPECT_EQ(from_gradient(decoded(encode(source, ".jxl[lossless]"))), 0);
    EXPECT_LE(from_gradient(decoded(encode(source, ".jxl[Q=95]"))), 32);
  }
}

TEST(Decode, GreyIsRepeated) {
  for (const char* const format : {".png", ".png[interlace]", ".tif", ".pgm"}) {
    const Image image = decoded(encode(gradient(kWidth, kHeight, 1), format));
    EXPECT_EQ(
        test::largest_difference(image, [](int x, int y, int) { return gradient_sample(x, y, 0, kWidth, kHeight); }), 0)
        << format;
  }
  const Image jpeg = decoded(encode(gradient(kWidth, kHeight, 1), ".jpg[Q=95]"));
  EXPECT_LE(test::largest_difference(jpeg, [](int x, int y, int) { return gradient_sample(x, y, 0, kWidth, kHeight); }),
            6);
}

TEST(Decode, AlphaIsFlattenedOnWhite) {
  for (const char* const format : {".png", ".png[interlace]", ".webp[lossless,alpha-q=100]", ".tif"}) {
    EXPECT_EQ(from_flattened_gradient(decoded(encode(gradient(kWidth, kHeight, 4), format)), 3), 0) << format;
  }
  for (const char* const format : {".png", ".tif"}) {
    EXPECT_EQ(from_flattened_gradient(decoded(encode(gradient(kWidth, kHeight, 2), format)), 1), 0) << format;
  }
}

TEST(Decode, SixteenBitsAreScaledToEight) {
  const auto deep = [](int bands) {
    return test::make_vips(
        kWidth, kHeight, bands,
        [&](int x, int y, int c) {
          return gradient_sample(x, y, c == bands - 1 && bands % 2 == 0 ? 3 : c, kWidth, kHeight) * 257;
        },
        VIPS_FORMAT_USHORT, bands < 3 ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16);
  };
  for (const char* const format : {".png", ".tif", ".png[interlace]"}) {
    EXPECT_EQ(from_gradient(decoded(encode(deep(3), format))), 0) << format;
    EXPECT_EQ(from_flattened_gradient(decoded(encode(deep(4), format)), 3), 0) << format;
    EXPECT_EQ(from_flattened_gradient(decoded(encode(deep(2), format)), 1), 0) << format;
  }
  EXPECT_EQ(from_gradient(decoded(encode(deep(3), ".ppm"))), 0);
}

TEST(Decode, PaletteWithAlpha) {
  const Image image = decoded(test::read_bytes(test::source_file("tests/data/images/palette_alpha.png")));
  ASSERT_EQ(image.width, 6);
  EXPECT_EQ(pixel(image, 0, 0), (Colour{255, 255, 255}));
  EXPECT_EQ(pixel(image, 2, 1), (Colour{127, 255, 127}));
  EXPECT_EQ(pixel(image, 5, 1), (Colour{0, 0, 255}));
}

TEST(Decode, FirstFrameOfAnimations) {
  for (const char* const name : {"two_frames.gif", "two_frames.webp"}) {
    const Image image = decoded(test::read_bytes(test::source_file(std::string("tests/data/images/") + name)));
    EXPECT_EQ(image.width, 8) << name;
    EXPECT_EQ(image.height, 4) << name;
    EXPECT_EQ(pixel(image, 7, 3), (Colour{255, 0, 0})) << name;
  }
}

TEST(Decode, NetpbmOfEveryKind) {
  EXPECT_EQ(pixel(decoded(test::bytes_of("P1\n# comment\n2 1\n1 0\n")), 1, 0), (Colour{255, 255, 255}));
  EXPECT_EQ(pixel(decoded(test::bytes_of("P2 2 1 15 0 5\n")), 1, 0), (Colour{85, 85, 85}));
  EXPECT_EQ(pixel(decoded(test::bytes_of("P3 1 1 1000 1000 500 0\n")), 0, 0), (Colour{255, 128, 0}));
  EXPECT_EQ(pixel(decoded(test::bytes_of("P3 1 1 1 1 0 1\n")), 0, 0), (Colour{255, 0, 255}));
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(pixel(decoded(test::bytes_of("P4 8 1\n\x7F"sv)), 0, 0), (Colour{255, 255, 255}));
  EXPECT_EQ(pixel(decoded(test::bytes_of("P4 8 1\n\x7F"sv)), 1, 0), (Colour{0, 0, 0}));
  EXPECT_EQ(pixel(decoded(test::bytes_of("P5 2 1 255\n\x10\x20"sv)), 1, 0), (Colour{32, 32, 32}));
  EXPECT_EQ(pixel(decoded(test::bytes_of("P6 1 1 255\n\x01\x02\x03"sv)), 0, 0), (Colour{1, 2, 3}));
}

// Through CMYK and back by the same fallback profile, or by the one in the file.
TEST(Decode, CmykJpeg) {
  const auto source = gradient(kWidth, kHeight);
  VipsImage* cmyk = nullptr;
  ASSERT_EQ(vips_icc_transform(source.get(), &cmyk, "cmyk", "input_profile", "srgb", nullptr), 0);
  const test::VipsImagePtr image(cmyk);
  for (const char* const format :
       {".jpg[Q=98,subsample-mode=off]", ".jpg[Q=98,subsample-mode=off,strip]", ".tif[strip]"}) {
    const Image back = decoded(encode(image, format));
    // The gamut of print is smaller than that of screens: only mild colours survive.
    const Colour middle = pixel(back, kWidth / 2, kHeight / 2);
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(middle[c], gradient_sample(kWidth / 2, kHeight / 2, static_cast<int>(c), kWidth, kHeight), 12)
          << format;
    }
    const Colour corner = pixel(back, kWidth - 1, 0);
    EXPECT_GT(corner[0], 200) << format << ": red is red, not its inverse";
    EXPECT_LT(corner[1], 80) << format;
  }
}

TEST(Decode, ProfilesAreConvertedToSrgb) {
  // Mild colours, which are inside both gamuts.
  const auto sample = [](int x, int y, int c) { return 64 + gradient_sample(x, y, c, kWidth, kHeight) / 2; };
  const auto source = test::make_vips(kWidth, kHeight, 3, sample);
  VipsImage* p3 = nullptr;
  ASSERT_EQ(vips_icc_transform(source.get(), &p3, "p3", "input_profile", "srgb", nullptr), 0);
  const test::VipsImagePtr tagged(p3);
  for (const char* const format : {".png", ".tif", ".webp[lossless]"}) {
    EXPECT_LE(test::largest_difference(decoded(encode(tagged, format)), sample), 2) << format;
  }
  EXPECT_GT(test::largest_difference(decoded(encode(tagged, ".png[strip]")), sample), 8) << "the profile matters";
}

TEST(Decode, SixteenBitsWithProfileAndAlpha) {
  const auto source = test::make_vips(
      kWidth, kHeight, 4,
      [](int x, int y, int c) {
        return c == 3 ? 128 * 257 : (64 + gradient_sample(x, y, c, kWidth, kHeight) / 2) * 257;
      },
      VIPS_FORMAT_USHORT, VIPS_INTERPRETATION_RGB16);
  VipsImage* p3 = nullptr;
  ASSERT_EQ(vips_icc_transform(source.get(), &p3, "p3", "input_profile", "srgb", "depth", 16, nullptr), 0);
  const test::VipsImagePtr tagged(p3);
  const Image image = decoded(encode(tagged, ".png"));
  EXPECT_LE(test::largest_difference(image,
                                     [](int x, int y, int c) {
                                       return white_behind(64 + gradient_sample(x, y, c, kWidth, kHeight) / 2, 128);
                                     }),
            2);
}

TEST(Decode, AnSrgbProfileChangesNothing) {
  const auto source = gradient(kWidth, kHeight);
  ASSERT_EQ(vips_image_get_typeof(source.get(), VIPS_META_ICC_NAME), 0U);
  EXPECT_EQ(from_gradient(decoded(encode(source, ".png[profile=srgb]"))), 0);
}

TEST(Decode, ABrokenProfileIsIgnored) {
  const auto source = gradient(kWidth, kHeight);
  const std::string nonsense(500, 'x');
  vips_image_set_blob_copy(source.get(), VIPS_META_ICC_NAME, nonsense.data(), nonsense.size());
  EXPECT_LE(from_gradient(decoded(encode(source, ".jpg[Q=95,subsample-mode=off]"))), 16);
}

TEST(Decode, ExtremeShapes) {
  for (const auto& [width, height] : {std::pair{1, 1}, {30'000, 1}, {1, 30'000}}) {
    for (const char* const format : {".png", ".jpg", ".tif", ".ppm", ".png[interlace]"}) {
      const auto image = decode_image(encode(gradient(width, height), format), "extreme");
      ASSERT_TRUE(image) << format << " " << image.error().message;
      EXPECT_EQ(image->width, width) << format;
      EXPECT_EQ(image->height, height) << format;
    }
  }
}

TEST(Decode, LabTiff) {
  VipsImage* lab = nullptr;
  const auto source = gradient(kWidth, kHeight);
  ASSERT_EQ(vips_colourspace(source.get(), &lab, VIPS_INTERPRETATION_LAB, nullptr), 0);
  const test::VipsImagePtr image(lab);
  EXPECT_LE(from_gradient(decoded(encode(image, ".tif"))), 2);
}

TEST(Decode, NumbersWithoutAColourSpaceAreRefused) {
  VipsImage* numbers = nullptr;
  const auto source = gradient(kWidth, kHeight, 1);
  ASSERT_EQ(vips_cast_float(source.get(), &numbers, nullptr), 0);
  const test::VipsImagePtr image(numbers);
  const auto refused = decode_image(encode(image, ".tif"), "heights.tif");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupportedImage);
  EXPECT_THAT(refused.error().message, HasSubstr("'heights.tif' has 1 channels of type float"));
}

}  // namespace
}  // namespace silhouette
