#include "image/png.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <algorithm>
#include <vector>

#include "image/decode.hpp"
#include "image/test_images.hpp"

namespace silhouette {
namespace {

using ::testing::HasSubstr;

Image noisy(int width, int height, int channels) {
  Image image = Image::create(width, height, channels).value();
  unsigned state = 7;
  for (auto& value : image.pixels.span())
    value = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return image;
}

// libpng's own reader, asked for the samples as they are in the file.
std::vector<std::uint8_t> read_back(const std::vector<std::byte>& bytes, png_uint_32 format, png_image& header,
                                    std::vector<std::uint8_t>& colours) {
  header = {};
  header.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&header, bytes.data(), bytes.size()) == 0)
    throw std::runtime_error(header.message);
  const auto native = header.format;
  header.format = format;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(header));
  colours.resize(PNG_IMAGE_COLORMAP_SIZE(header));
  if (png_image_finish_read(&header, nullptr, pixels.data(), 0, colours.data()) == 0) {
    throw std::runtime_error(header.message);
  }
  header.format = native;
  return pixels;
}

TEST(Png, KeepsEveryPixel) {
  for (const auto& [channels, format] : {std::pair{1, PNG_FORMAT_GRAY}, {3, PNG_FORMAT_RGB}, {4, PNG_FORMAT_RGBA}}) {
    for (const auto& [width, height] : {std::pair{1, 1}, {7, 3}, {301, 203}}) {
      const Image image = noisy(width, height, channels);
      const auto encoded = encode_png(image);
      ASSERT_TRUE(encoded) << encoded.error().message;
      png_image header;
      std::vector<std::uint8_t> unused;
      const auto pixels = read_back(*encoded, static_cast<png_uint_32>(format), header, unused);
      EXPECT_EQ(header.format, static_cast<png_uint_32>(format));
      EXPECT_TRUE(std::ranges::equal(pixels, image.pixels.span()));
    }
  }
}

TEST(Png, PaletteKeepsIndices) {
  const std::vector<Rgb> palette = {{0, 0, 0}, {128, 0, 0}, {0, 128, 0}, {224, 224, 192}};
  Image indices = noisy(130, 61, 1);
  for (auto& index : indices.pixels.span()) index %= 4;
  const auto encoded = encode_palette_png(indices, palette);
  ASSERT_TRUE(encoded) << encoded.error().message;
  png_image header;
  std::vector<std::uint8_t> colours;
  const auto pixels = read_back(*encoded, PNG_FORMAT_RGB_COLORMAP, header, colours);
  EXPECT_NE(header.format & PNG_FORMAT_FLAG_COLORMAP, 0U) << "a true palette image";
  ASSERT_GE(colours.size(), 12U);
  EXPECT_TRUE(std::ranges::equal(pixels, indices.pixels.span()));
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(colours[i], palette[i / 3][i % 3]);
  const auto shown = decode_image(*encoded, "mask.png");
  ASSERT_TRUE(shown);
  EXPECT_EQ(test::pixel(*shown, 5, 5)[0], palette[indices.row(5)[5]][0]);
}

TEST(Png, PaletteMustHaveEveryIndex) {
  Image indices = Image::create(4, 1, 1).value();
  std::ranges::fill(indices.pixels.span(), std::uint8_t{2});
  const std::vector<Rgb> two(2);
  const auto missing = encode_palette_png(indices, two);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(missing.error().message, HasSubstr("index 2"));
  EXPECT_TRUE(encode_palette_png(indices, std::vector<Rgb>(3)));
  EXPECT_TRUE(encode_palette_png(indices, std::vector<Rgb>(256)));
  EXPECT_EQ(encode_palette_png(indices, std::vector<Rgb>(257)).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(encode_palette_png(indices, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(encode_palette_png(Image::create(1, 1, 3).value(), two).error().code, ErrorCode::kInvalidArgument);
}

TEST(Png, MasksAreSmall) {
  Image mask = Image::create(2000, 1500, 1).value();
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      mask.row(y)[x] = (x - 1000) * (x - 1000) + (y - 750) * (y - 750) < 500 * 500 ? std::uint8_t{3} : std::uint8_t{0};
    }
  }
  EXPECT_LT(encode_palette_png(mask, std::vector<Rgb>(21)).value().size(), 40'000U);
}

}  // namespace
}  // namespace silhouette
