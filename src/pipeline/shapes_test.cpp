#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/segmentation_data.hpp"
#include "silhouette/segmentation.hpp"

namespace silhouette {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Background, a cat of 2 × 2 pixels with a corner missing, a dog of one pixel, no cow.
Segmentation segmentation() {
  constexpr std::array<std::int32_t, 12> kClasses{0, 1, 1, 0,  //
                                                  0, 1, 0, 0,  //
                                                  2, 0, 0, 0};
  auto data = std::make_unique<detail::SegmentationData>();
  data->labels = {"BACKGROUND", "CAT", "DOG", "COW"};
  data->counts.resize(data->labels.size());
  data->maps.width = 4;
  data->maps.height = 3;
  data->maps.argmax = AlignedBuffer<std::int32_t>::create(kClasses.size(), "a test").value();
  std::ranges::copy(kClasses, data->maps.argmax.data());
  return Segmentation(std::move(data));
}

TEST(SegmentationShapes, AreThoseOfTheClass) {
  const auto result = segmentation();
  const Rle cat = result.rle("CAT").value();
  EXPECT_EQ(cat.width, 4);
  EXPECT_EQ(cat.height, 3);
  EXPECT_THAT(cat.counts, ElementsAre(3, 2, 1, 1, 5));
  EXPECT_THAT(result.rle(2)->counts, ElementsAre(2, 1, 9));
  EXPECT_THAT(result.rle("COW")->counts, ElementsAre(12));
  const auto polygons = result.polygons("CAT", 0).value();
  ASSERT_EQ(polygons.size(), 1U);
  EXPECT_THAT(polygons[0].outer,
              ElementsAre(Point{1, 0}, Point{3, 0}, Point{3, 1}, Point{2, 1}, Point{2, 2}, Point{1, 2}));
  EXPECT_EQ(result.polygons("DOG")->size(), 1U) << "the default tolerance leaves single pixels";
  EXPECT_THAT(result.polygons("DOG", 0, 2).value(), IsEmpty());
  EXPECT_THAT(result.polygons("COW").value(), IsEmpty());
}

TEST(Segmentation, CountsItsPixelsOnceHoweverManyAsk) {
  const auto result = segmentation();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { EXPECT_THAT(result.pixel_counts(), ElementsAre(8, 3, 1, 0)); });
    }
  }
  EXPECT_EQ(result.pixel_counts().data(), result.pixel_counts().data());
}

TEST(SegmentationShapes, RefuseWhatIsNoClassOrOption) {
  const auto result = segmentation();
  const auto expect = [](const auto& shape, const char* text) {
    ASSERT_FALSE(shape);
    EXPECT_EQ(shape.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(shape.error().message, HasSubstr(text));
  };
  expect(result.rle("HORSE"), "HORSE");
  expect(result.rle(4), "4");
  expect(result.rle(DeeplabLabel::kArgmax), "ARGMAX");
  expect(result.polygons("HORSE"), "HORSE");
  expect(result.polygons("ARGMAX"), "ARGMAX");
  expect(result.polygons("CAT", -0.5), "-0.5");
  expect(result.polygons("CAT", 1, -7), "-7");
}

}  // namespace
}  // namespace silhouette
