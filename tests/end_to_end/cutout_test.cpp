// Cut-outs of the embedded selfie model, whose probabilities decide and whose edges are the photo's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "image/decode.hpp"
#include "silhouette/silhouette.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using ::testing::HasSubstr;

std::string sample(const std::string& name) {
  return test::source_file("models/samples/" + name + ".png").string();
}

class Cutouts : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(module_.load(kSelfieSegmentationEmbedded));
    ForwardOptions options;
    options.resize = true;
    options.keep_image = true;
    result_.emplace(module_.forward(sample("astronaut"), {}, options).value());
  }

  [[nodiscard]] Image over(const Background& background, std::vector<ClassId> subject = {}) const {
    const auto png = result_->cutout_png(subject, background);
    EXPECT_TRUE(png) << (png ? "" : png.error().message);
    return decode_image(png.value(), "cut-out").value();
  }

  /// What shines through: the difference between a white and a black background.
  [[nodiscard]] std::vector<double> alpha(const std::vector<ClassId>& subject = {}) const {
    const Image black = over(Background::color(0, 0, 0), subject);
    const Image white = over(Background::color(255, 255, 255), subject);
    std::vector<double> values(black.pixels.size() / 3);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 1 - (white.pixels[3 * i] - black.pixels[3 * i]) / 255.0;
    }
    return values;
  }

  ImageSegmentationModule module_;
  std::optional<Segmentation> result_;
};

TEST_F(Cutouts, EdgesAreSoftAndTheRestIsClear) {
  const auto found = alpha();
  ASSERT_EQ(found.size(), std::size_t{512} * 512);
  const auto at = [&](std::size_t x, std::size_t y) { return found[y * 512 + x]; };
  EXPECT_EQ(at(20, 20), 0) << "the wall";
  EXPECT_EQ(at(225, 100), 1) << "the face";
  EXPECT_EQ(at(200, 400), 1) << "the suit";
  const auto soft = std::ranges::count_if(found, [](double a) { return a > 0.05 && a < 0.95; });
  EXPECT_GT(soft, 512 * 512 / 100);
  EXPECT_LT(soft, 512 * 512 / 10);
  // About as much as the class map says.
  double sum = 0;
  for (const double a : found) sum += a;
  const auto pixels = static_cast<double>(result_->pixel_counts()[1]);
  EXPECT_NEAR(sum / pixels, 1, 0.1);
}

TEST_F(Cutouts, TheSubjectMayBeNamedAndMayBeTheBackground) {
  const auto person = alpha();
  EXPECT_EQ(alpha({"FOREGROUND"}), person);
  const auto rest = alpha({"BACKGROUND"});
  for (std::size_t i = 0; i < person.size(); ++i) ASSERT_NEAR(person[i] + rest[i], 1, 0.02) << i;
  for (const double a : alpha({0, 1})) ASSERT_EQ(a, 1);
}

TEST_F(Cutouts, WhatLiesBehind) {
  const Image color = over(Background::color(255, 136, 0));
  EXPECT_EQ(color.channels, 3);
  EXPECT_THAT(std::vector<int>(color.row(20) + 60, color.row(20) + 63), ::testing::ElementsAre(255, 136, 0));

  const Image photo = decode_image(test::read_bytes(sample("astronaut")), "photo").value();
  const Image blurred = over(Background::blur());
  const auto roughness = [](const Image& image) {
    double sum = 0;
    for (int x = 1; x < 100; ++x) sum += std::abs(image.row(40)[3 * x] - image.row(40)[3 * x - 3]);
    return sum;
  };
  EXPECT_LT(roughness(blurred), roughness(photo) / 2);
  EXPECT_EQ(over(Background::blur(0.2)).width, 512);
  // Where nothing shines through, the photo stays as it is.
  EXPECT_TRUE(std::equal(photo.row(100) + 3 * 225, photo.row(100) + 3 * 235, blurred.row(100) + 3 * 225));

  // Scaled so that it covers: the middle of a picture of other proportions.
  Image scene = Image::create(300, 100, 3).value();
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 300; ++x) {
      const bool is_middle = x >= 100 && x < 200;
      scene.row(y)[3 * x] = is_middle ? 10 : 250;
      scene.row(y)[3 * x + 1] = scene.row(y)[3 * x + 2] = 90;
    }
  }
  const Image covered = over(Background::image(
      ImageSource::pixels({std::as_bytes(scene.pixels.span()), scene.width, scene.height, PixelFormat::kRgb})));
  EXPECT_EQ(covered.row(20)[3 * 20], 10);
  EXPECT_EQ(covered.row(20)[3 * 20 + 1], 90);
}

TEST_F(Cutouts, WhatCannotBe) {
  for (const double share : {0.0, -1.0, 1.5, std::nan("")}) {
    EXPECT_EQ(result_->cutout_png({}, Background::blur(share)).error().code, ErrorCode::kInvalidArgument);
  }
  const auto missing = result_->cutout_png({}, Background::image("/no/such.png"));
  EXPECT_EQ(missing.error().code, ErrorCode::kFileNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("/no/such.png"));
  EXPECT_EQ(module_.forward(sample("astronaut"))->cutout_png({}, Background::blur()).error().code,
            ErrorCode::kInvalidArgument)
      << "the photo wasn't kept";
}

TEST(CutoutsOfClasses, FollowTheClassMapAndHaveBackgroundsToo) {
  ImageSegmentationModule module;
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded));
  ForwardOptions options;
  options.keep_image = true;
  options.resize = true;
  const auto result = module.forward(sample("chelsea"), {}, options).value();
  const auto png = result.cutout_png(std::vector<ClassId>{"CAT"}, Background::color(1, 2, 3)).value();
  const Image picture = decode_image(png, "cut-out").value();
  std::int64_t painted = 0;
  for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
    painted += picture.pixels[i] == 1 && picture.pixels[i + 1] == 2 && picture.pixels[i + 2] == 3 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(painted) / static_cast<double>(result.pixel_counts()[0]), 1, 0.15);
}

}  // namespace
}  // namespace silhouette
