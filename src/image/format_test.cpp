#include "image/format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "image/decode.hpp"
#include "image/test_images.hpp"

namespace silhouette {
namespace {

using std::string_view_literals::operator""sv;
using test::bytes_of;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr std::string_view kSvg =
    "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><rect width=\"9\" "
    "height=\"9\" fill=\"red\"/></svg>";
constexpr std::string_view kPdf = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n%%EOF";
constexpr std::string_view kBmp =
    "BM\x3A\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\xFF\0\0\0"sv;

TEST(Format, WhatIsNotReadIsNamed) {
  for (const auto& [content, what] : std::vector<std::pair<std::string_view, const char*>>{
           {kSvg, "an SVG drawing"},
           {kPdf, "a PDF document"},
           {kBmp, "a BMP image"},
           {"hello, I am no image\n", "is text"},
           {"<!DOCTYPE html><title>404</title>", "an HTML page"},
           {"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"},
           {"\0\0\0\x18"
            "ftypisom\0\0\2\0isomiso2"sv,
            "a video"},
           {"#?RADIANCE\n", "Radiance"},
           {"\x76\x2F\x31\x01\x02\0\0\0"sv, "OpenEXR"},
           {"\x08\xF2\xA6\xB6\0\0\0\0"sv, "libvips image"},
           {"SIMPLE  =   T", "FITS"},
           {"P7\nWIDTH 1\n", "PAM"},
           {"\0\1\2\3\4\5\6\7"sv, "in no image format that is read"}}) {
    const auto image = decode_image(bytes_of(content), "holiday.xyz");
    ASSERT_FALSE(image) << what;
    EXPECT_EQ(image.error().code, ErrorCode::kUnsupportedImage) << image.error().message;
    EXPECT_THAT(image.error().message, HasSubstr("'holiday.xyz'"));
    EXPECT_THAT(image.error().message, HasSubstr(what));
    EXPECT_THAT(image.error().message, HasSubstr("give JPEG, PNG, WebP, GIF, TIFF, PPM, HEIF/AVIF or JPEG XL"));
  }
}

TEST(Format, EmptyIsInvalid) {
  const auto image = decode_image({}, "nothing.png");
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, ErrorCode::kInvalidImage);
  EXPECT_THAT(image.error().message, HasSubstr("'nothing.png' is empty"));
}

// Even code that asks libvips itself can't reach them any more.
TEST(Format, OtherLoadersAreBlocked) {
  ASSERT_TRUE(start_vips());
  int blocked = 0;
  for (const char* const loader :
       {"svgload_buffer", "pdfload_buffer", "magickload_buffer", "matload", "csvload", "matrixload", "rawload",
        "vipsload", "analyzeload", "radload_buffer", "fitsload", "openexrload", "openslideload", "jp2kload_buffer"}) {
    VipsImage* image = nullptr;
    VipsOperation* operation = vips_operation_new(loader);
    if (operation == nullptr) {
      vips_error_clear();
      continue;
    }
    EXPECT_NE(VIPS_OPERATION_GET_CLASS(operation)->flags & VIPS_OPERATION_BLOCKED, 0) << loader;
    g_object_unref(operation);
    EXPECT_EQ(image, nullptr);
    ++blocked;
  }
  EXPECT_GT(blocked, 5);
  EXPECT_EQ(vips_image_new_from_buffer(kSvg.data(), kSvg.size(), "", nullptr), nullptr);
  // Newer versions don't tell a loader that is blocked from one that isn't there.
  EXPECT_THAT(take_vips_reason("foreign"), AnyOf(HasSubstr("blocked"), HasSubstr("not in a known format")));
}

}  // namespace
}  // namespace silhouette
