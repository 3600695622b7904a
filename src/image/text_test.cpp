#include "image/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace silhouette {
namespace {

int ink(const Image& image) {
  return static_cast<int>(std::ranges::count_if(image.pixels.span(), [](int v) { return v > 127; }));
}

bool column_has_ink(const Image& image, int x) {
  for (int y = 0; y < image.height; ++y) {
    if (image.row(y)[x] != 0) return true;
  }
  return false;
}

TEST(Text, IsAsHighAsAskedAndCroppedInWidth) {
  for (const int height : {12, 20, 48, 200}) {
    const Image image = render_text("CAT", height).value();
    EXPECT_EQ(image.channels, 1);
    EXPECT_NEAR(image.height, height, 2 + height / 20);
    EXPECT_GT(image.width, height);
    EXPECT_TRUE(column_has_ink(image, 0));
    EXPECT_TRUE(column_has_ink(image, image.width - 1));
    EXPECT_GT(ink(image), height);
  }
}

TEST(Text, WordsShareOneLine) {
  const Image low = render_text("a", 40).value();
  const Image high = render_text("Al", 40).value();
  EXPECT_EQ(low.height, high.height);
  const auto lowest_ink = [](const Image& image) {
    int lowest = 0;
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) lowest = image.row(y)[x] > 127 ? y : lowest;
    }
    return lowest;
  };
  EXPECT_NEAR(lowest_ink(low), lowest_ink(high), 1) << "the baseline";
}

TEST(Text, MarkupIsText) {
  const Image plain = render_text("b", 30).value();
  const Image markup = render_text("<b>b</b> & \"'", 30).value();
  EXPECT_GT(markup.width, 4 * plain.width);
}

TEST(Text, StrangeInputIsDrawnSomehow) {
  for (const std::string text : {"", " ", "\t\n", "\xFF\xFE", "Ünïcode", "line\nbreak", "\x01\x02"}) {
    const auto image = render_text(text, 20);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_GE(image->width, 1);
  }
  EXPECT_EQ(render_text("", 20).value().width, 1);
  EXPECT_EQ(render_text("x", 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(render_text(std::string(100'000, 'x'), 20).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(render_text(std::string(std::size_t{1} << 10, 'x'), 20));
}

TEST(Text, SeveralThreadsDrawTheSame) {
  const Image expected = render_text("PERSON", 24).value();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const auto image = render_text("PERSON", 24);
        ASSERT_TRUE(image);
        EXPECT_TRUE(std::ranges::equal(image->pixels.span(), expected.pixels.span()));
      }
    });
  }
}

}  // namespace
}  // namespace silhouette
