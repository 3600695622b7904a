#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <png.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "preprocess/preprocess.hpp"
#include "preprocess/resize_reference.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using ::testing::HasSubstr;

Image read_png(const std::filesystem::path& path) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&header, path.c_str()) == 0) throw std::runtime_error(header.message);
  header.format = PNG_FORMAT_RGB;
  Image image = Image::create(static_cast<int>(header.width), static_cast<int>(header.height), 3).value();
  if (png_image_finish_read(&header, nullptr, image.pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error(path.string() + ": " + header.message);
  }
  return image;
}

Image noise(int width, int height, std::mt19937_64& random) {
  Image image = Image::create(width, height, 3).value();
  // Extremes are where rounding and clamping differ, so that they are half of the values.
  for (auto& value : image.pixels.span()) {
    const auto bits = random();
    value = static_cast<std::uint8_t>((bits & 1) != 0 ? bits >> 8 : ((bits & 2) != 0 ? 255 : 0));
  }
  return image;
}

::testing::AssertionResult equal(const Image& actual, const Image& expected) {
  if (actual.width != expected.width || actual.height != expected.height) {
    return ::testing::AssertionFailure() << actual.width << "x" << actual.height << " instead of " << expected.width
                                         << "x" << expected.height;
  }
  const auto [a, b] = std::ranges::mismatch(actual.pixels.span(), expected.pixels.span());
  if (a == actual.pixels.span().end()) return ::testing::AssertionSuccess();
  const auto at = a - actual.pixels.span().begin();
  return ::testing::AssertionFailure() << "pixel (" << at / 3 % actual.width << ", " << at / 3 / actual.width
                                       << ") channel " << at % 3 << " is " << int{*a} << " instead of " << int{*b};
}

// Runs `body` once for each instruction set that the kernels are compiled for and this machine has.
template <typename Body>
void for_each_instruction_set(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

struct Golden {
  std::string source;
  ResizeFilter filter = ResizeFilter::kAntialias;
  int height = 0;
  int width = 0;
};

// <case>_<filter>_<height>x<width>, made from <case>_in.
std::optional<Golden> parse_golden(const std::string& name) {
  const auto size_at = name.rfind('_');
  if (size_at == name.npos || size_at == 0) return std::nullopt;
  const auto filter_at = name.rfind('_', size_at - 1);
  if (filter_at == name.npos) return std::nullopt;
  Golden golden;
  golden.source = name.substr(0, filter_at) + "_in";
  const std::string filter = name.substr(filter_at + 1, size_at - filter_at - 1);
  if (filter == "linear") {
    golden.filter = ResizeFilter::kLinear;
  } else if (filter != "antialias") {
    return std::nullopt;
  }
  const auto x_at = name.find('x', size_at);
  if (x_at == name.npos) return std::nullopt;
  golden.height = std::stoi(name.substr(size_at + 1));
  golden.width = std::stoi(name.substr(x_at + 1));
  return golden;
}

TEST(Resize, EqualsTorchvisionAndOpencv) {
  ThreadPool pool(2);
  int antialias = 0;
  int linear = 0;
  const auto folder = test::source_file("tests/golden/resize");
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto golden = parse_golden(entry.path().stem().string());
    if (!golden) continue;
    SCOPED_TRACE(entry.path().filename().string());
    const Image source = read_png(folder / (golden->source + ".png"));
    const auto resized = resize_image(source, golden->width, golden->height, golden->filter, pool);
    ASSERT_TRUE(resized) << resized.error().message;
    EXPECT_TRUE(equal(*resized, read_png(entry.path())));
    ++(golden->filter == ResizeFilter::kLinear ? linear : antialias);
  }
  EXPECT_GT(antialias, 0);
  EXPECT_GT(linear, 0);
}

TEST(Resize, FastPassesEqualTheReference) {
  constexpr int kSizes[] = {1, 2, 3, 5, 6, 7, 16, 17, 33, 64, 131};
  std::mt19937_64 random(test::test_seed());
  for_each_instruction_set([&] {
    ThreadPool pool(3);
    for (const int width : kSizes) {
      for (const int height : kSizes) {
        const Image source = noise(width, height, random);
        const int target_width = kSizes[random() % std::size(kSizes)];
        for (const int target_height : {kSizes[random() % std::size(kSizes)], height}) {
          for (const int w : {target_width, width, std::max(1, width / 2)}) {
            SCOPED_TRACE(testing::Message() << width << "x" << height << " to " << w << "x" << target_height);
            ASSERT_TRUE(equal(resize_image(source, w, target_height, ResizeFilter::kAntialias, pool).value(),
                              reference_antialias(source, w, target_height)));
            ASSERT_TRUE(equal(resize_image(source, w, target_height, ResizeFilter::kLinear, pool).value(),
                              reference_linear(source, w, target_height)));
          }
        }
      }
    }
  });
}

TEST(Resize, HalvesExactly) {
  std::mt19937_64 random(test::test_seed());
  ThreadPool pool(2);
  for (const auto& [width, height] : {std::pair{2, 2}, {34, 18}, {130, 66}}) {
    const Image source = noise(width, height, random);
    EXPECT_TRUE(equal(resize_image(source, width / 2, height / 2, ResizeFilter::kLinear, pool).value(),
                      reference_linear(source, width / 2, height / 2)));
  }
}

TEST(Resize, ThreadsDoNotChangeTheResult) {
  std::mt19937_64 random(test::test_seed());
  const Image source = noise(701, 523, random);
  ThreadPool one(1);
  ThreadPool five(5);
  for (const auto filter : {ResizeFilter::kAntialias, ResizeFilter::kLinear}) {
    for (const auto& [width, height] : {std::pair{513, 513}, {90, 61}, {1100, 900}, {701, 40}, {40, 523}}) {
      EXPECT_TRUE(equal(resize_image(source, width, height, filter, five).value(),
                        resize_image(source, width, height, filter, one).value()));
    }
  }
}

// Many taps, and rings that would be large if tiles weren't narrow.
TEST(Resize, ExtremeShapes) {
  std::mt19937_64 random(test::test_seed());
  ThreadPool pool(2);
  struct Shape {
    int width, height, target_width, target_height;
  };
  for (const auto& [width, height, target_width, target_height] :
       {Shape{30'000, 1, 257, 65}, Shape{1, 30'000, 65, 257}, Shape{65'500, 3, 1, 1}, Shape{3, 65'500, 70, 1},
        Shape{1, 1, 513, 257}, Shape{1, 1, 1, 1}}) {
    const Image source = noise(width, height, random);
    EXPECT_TRUE(equal(resize_image(source, target_width, target_height, ResizeFilter::kAntialias, pool).value(),
                      reference_antialias(source, target_width, target_height)));
    EXPECT_TRUE(equal(resize_image(source, target_width, target_height, ResizeFilter::kLinear, pool).value(),
                      reference_linear(source, target_width, target_height)));
  }
}

TEST(Resize, OneColourStaysThatColour) {
  ThreadPool pool(2);
  Image white = Image::create(97, 61, 3).value();
  std::ranges::fill(white.pixels.span(), std::uint8_t{255});
  for (const auto filter : {ResizeFilter::kAntialias, ResizeFilter::kLinear}) {
    const auto resized = resize_image(white, 33, 130, filter, pool).value();
    EXPECT_EQ(std::ranges::count(resized.pixels.span(), 255), 33 * 130 * 3);
  }
}

TEST(Resize, RefusesWhatCannotBeMade) {
  ThreadPool pool(1);
  std::mt19937_64 random(1);
  const Image source = noise(4, 4, random);
  EXPECT_EQ(resize_image(source, 0, 4, ResizeFilter::kAntialias, pool).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(resize_image(source, kMaxImageSide + 1, 4, ResizeFilter::kLinear, pool).error().code,
            ErrorCode::kLimitExceeded);
  const Image grey = Image::create(4, 4, 1).value();
  const auto refused = resize_image(grey, 2, 2, ResizeFilter::kAntialias, pool);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("1 channels"));
}

}  // namespace
}  // namespace silhouette
