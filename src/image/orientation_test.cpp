#include <gtest/gtest.h>

#include <string>

#include "base/pixels.hpp"
#include "image/decode.hpp"
#include "image/exif.hpp"
#include "image/test_images.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::Colour;
using test::pixel;

constexpr int kWidth = 3 * 16;
constexpr int kHeight = 2 * 16;

// Six blocks of one colour, so that lossy formats serve too; tools/export/make_images.py has the same.
Colour upright_colour(int x, int y) {
  constexpr Colour kBlocks[2][3] = {{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}, {{255, 255, 0}, {255, 0, 255}, {0, 0, 0}}};
  return kBlocks[y / 16][x / 16];
}

// TIFF 6.0, tag 274: what the stored row 0 and column 0 are in the upright picture.
std::pair<int, int> upright_place(int x, int y, int orientation) {
  const int right = kWidth - 1;
  const int bottom = kHeight - 1;
  switch (orientation) {
    case 2: return {right - x, y};           // top, right
    case 3: return {right - x, bottom - y};  // bottom, right
    case 4: return {x, bottom - y};          // bottom, left
    case 5: return {y, x};                   // left, top
    case 6: return {right - y, x};           // right, top
    case 7: return {right - y, bottom - x};  // right, bottom
    case 8: return {y, bottom - x};          // left, bottom
    default: return {x, y};
  }
}

test::VipsImagePtr stored(int orientation, int bands = 3) {
  const bool turned = orientation >= 5;
  auto image = test::make_vips(turned ? kHeight : kWidth, turned ? kWidth : kHeight, bands, [&](int x, int y, int c) {
    const auto [u, v] = upright_place(x, y, orientation);
    return c == 3 ? 255 : upright_colour(u, v)[static_cast<std::size_t>(c)];
  });
  vips_image_set_int(image.get(), VIPS_META_ORIENTATION, orientation);
  return image;
}

void expect_upright(const test::Bytes& bytes, const std::string& what, int tolerance) {
  const auto image = decode_image(bytes, what);
  ASSERT_TRUE(image) << what << ": " << image.error().message;
  ASSERT_EQ(image->width, kWidth) << what;
  ASSERT_EQ(image->height, kHeight) << what;
  EXPECT_LE(test::largest_difference(
                *image, [](int x, int y, int c) { return upright_colour(x, y)[static_cast<std::size_t>(c)]; }),
            tolerance)
      << what;
}

TEST(Orientation, ExifIsApplied) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const auto& [format, tolerance] : {std::pair{".jpg[Q=98,subsample-mode=off]", 12},
                                            {".jpg[Q=98,subsample-mode=off,interlace]", 12},

                                            {".webp[lossless]", 0},
                                            {".tif", 0},
                                            {".tif[tile]", 0}}) {
      expect_upright(test::encode(stored(orientation), format), "orientation " + std::to_string(orientation) + format,
                     tolerance);
    }
    expect_upright(test::encode(stored(orientation, 4), ".tif"), "RGBA " + std::to_string(orientation), 0);
  }
}

TEST(Orientation, ExifBlocksAreReadCarefully) {
  using std::string_view_literals::operator""sv;
  const auto orientation = [](std::string_view block) { return exif_orientation(test::bytes_of(block)); };
  EXPECT_EQ(orientation("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"sv), 6);
  EXPECT_EQ(orientation("Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x08\0\0"sv), 8);
  EXPECT_EQ(orientation("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x09\0\0\0"sv), 1) << "out of range";
  EXPECT_EQ(orientation("II*\0\xFF\xFF\xFF\xFF\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"sv), 1) << "directory outside";
  const std::string whole("Exif\0\0MM\0*\0\0\0\x08\xFF\xFF\1\x12\0\4\0\0\0\1\0\x08\0\0"sv);
  for (std::size_t size = 0; size <= whole.size(); ++size) EXPECT_EQ(orientation(whole.substr(0, size)), 1) << size;
}

TEST(Orientation, OtherWritersFilesAreTurnedOnce) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const auto& [format, suffix, tolerance] :
         {std::tuple{"HEIF/AVIF", ".avif", 8}, std::tuple{"JPEG XL", ".jxl", 0}, std::tuple{"PNG", ".png", 0}}) {
      if (!test::has_format(format)) continue;
      const std::string name = "orientation_" + std::to_string(orientation) + suffix;
      expect_upright(test::read_bytes(test::source_file("tests/data/images/" + name)), name, tolerance);
    }
  }
}

// Blocks of rows of any height, every number of channels, against the formula pixel by pixel.
TEST(Orientation, PlacerEqualsTheFormula) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const bool turned = orientation >= 5;
    const int width = turned ? kHeight : kWidth;
    const int height = turned ? kWidth : kHeight;
    for (const int channels : {1, 2, 3, 4}) {
      for (const int block : {1, 7, 1000}) {
        auto placer = PixelPlacer::create(width, height, channels, orientation).value();
        const auto sample = [&](int x, int y, int c) { return static_cast<std::uint8_t>(x * 5 + y * 3 + c * 50); };
        const auto stride = static_cast<std::size_t>(width * channels + 5);
        for (int y = 0; y < height; y += block) {
          const int rows = std::min(block, height - y);
          std::vector<std::uint8_t> values(stride * static_cast<std::size_t>(rows));
          for (int r = 0; r < rows; ++r) {
            for (int x = 0; x < width; ++x) {
              for (int c = 0; c < channels; ++c) {
                const bool alpha = channels % 2 == 0 && c == channels - 1;
                values[static_cast<std::size_t>(r) * stride + static_cast<std::size_t>(x * channels + c)] =
                    alpha ? std::uint8_t{255} : sample(x, y + r, c);
              }
            }
          }
          placer.place(values.data(), stride, y, rows);
        }
        const Image image = std::move(placer).take();
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            const auto [u, v] = upright_place(x, y, orientation);
            for (int c = 0; c < 3; ++c) {
              ASSERT_EQ(pixel(image, u, v)[static_cast<std::size_t>(c)], sample(x, y, channels < 3 ? 0 : c))
                  << "orientation " << orientation << ", " << channels << " channels, pixel " << x << ", " << y;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace silhouette
