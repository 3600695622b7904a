#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "preprocess/preprocess.hpp"

namespace silhouette {
namespace {

using ::testing::HasSubstr;

constexpr Normalization kImagenet{.mean = {0.485F, 0.456F, 0.406F}, .std = {0.229F, 0.224F, 0.225F}};

Image gradient(int width, int height) {
  Image image = Image::create(width, height, 3).value();
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return image;
}

TEST(Normalize, EqualsTheFormulaInBothLayouts) {
  ThreadPool pool(2);
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 5}, {17, 16}, {33, 40}}) {
    const Image image = gradient(width, height);
    const std::size_t plane = image.pixels.size() / 3;
    std::vector<float> planar(image.pixels.size(), -99.0F);
    std::vector<float> interleaved(image.pixels.size(), -99.0F);
    normalize_image(image, kImagenet, TensorLayout::kNchw, planar, pool);
    normalize_image(image, kImagenet, TensorLayout::kNhwc, interleaved, pool);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      const std::size_t c = i % 3;
      const float expected = (static_cast<float>(image.pixels[i]) / 255.0F - kImagenet.mean[c]) / kImagenet.std[c];
      ASSERT_EQ(interleaved[i], expected) << i;
      ASSERT_EQ(planar[c * plane + i / 3], expected) << i;
    }
  }
}

// ((torch.tensor([0, 1, 113, 255]).float() / 255)[:, None] - mean) / std with PyTorch 2.15.
TEST(Normalize, EqualsPytorch) {
  ThreadPool pool(1);
  Image image = Image::create(4, 1, 3).value();
  const std::uint8_t values[] = {0, 1, 113, 255};
  for (std::size_t i = 0; i < 12; ++i) image.pixels[i] = values[i / 3];
  std::vector<float> output(12);
  normalize_image(image, kImagenet, TensorLayout::kNhwc, output, pool);
  const std::vector<float> pytorch = {-0x1.0f177a0000000p+1F, -0x1.0492480000000p+1F, -0x1.cdf0120000000p+0F,
                                      -0x1.0ce6560000000p+1F, -0x1.02549e0000000p+1F, -0x1.c979d40000000p+0F,
                                      -0x1.7663680000000p-3F, -0x1.d668aa0000000p-5F, 0x1.52081e0000000p-3F,
                                      0x1.1fdc3a0000000p+1F,  0x1.36db6e0000000p+1F,  0x1.51eb860000000p+1F};
  EXPECT_EQ(output, pytorch);
}

TEST(Normalize, ChecksWhatComesFromOutside) {
  EXPECT_TRUE(check_normalization({}));
  EXPECT_TRUE(check_normalization(kImagenet));
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {0.0F, -1.0F, kNan, kInfinity}) {
    const auto checked = check_normalization({.mean = {0, 0, 0}, .std = {1, bad, 1}});
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(checked.error().message, HasSubstr("deviation of green"));
  }
  for (const float bad : {kNan, -kInfinity}) {
    const auto checked = check_normalization({.mean = {0, 0, bad}, .std = {1, 1, 1}});
    ASSERT_FALSE(checked) << bad;
    EXPECT_THAT(checked.error().message, HasSubstr("mean of blue"));
  }
}

}  // namespace
}  // namespace silhouette
