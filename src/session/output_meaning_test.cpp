#include "session/output_meaning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace silhouette {
namespace {

using graph::OutputRange;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Logits make(std::vector<float> values, int channels, int height, int width, BufferPool& buffers) {
  Logits logits{.values = buffers.take(values.size(), "values").value(),
                .channels = channels,
                .height = height,
                .width = width,
                .pending = {}};
  std::ranges::copy(values, logits.values.data());
  return logits;
}

TEST(OutputMeaning, OfSeveralChannelsIsToldByTheirSums) {
  const std::vector<float> softmax{0.25F, 1, 0, 0.75F, 0, 1};
  EXPECT_EQ(output_meaning(softmax, 2, OutputRange::kUnknown), OutputMeaning::kProbabilities);
  EXPECT_EQ(output_meaning(softmax, 2, OutputRange::kUnbounded), OutputMeaning::kScores)
      << "the operators say that this is chance";
  EXPECT_EQ(output_meaning(std::vector<float>{0.25F, 1, 0, 0.75F, 0.1F, 1}, 2, OutputRange::kUnknown),
            OutputMeaning::kScores);
  EXPECT_EQ(output_meaning(std::vector<float>{-0.5F, 1, 0, 1.5F, 0, 1}, 2, OutputRange::kUnknown),
            OutputMeaning::kScores);
  EXPECT_EQ(output_meaning(std::vector<float>{NAN, 1, 0, 1, 0, 1}, 2, OutputRange::kUnknown), OutputMeaning::kScores);
  EXPECT_EQ(output_meaning(std::vector<float>{0.9F, 0.2F, 0.8F, 0.7F}, 2, OutputRange::kUnit), OutputMeaning::kScores)
      << "each class's own sigmoid";
}

TEST(OutputMeaning, OfOneChannelIsToldByTheOperatorsOrTheRange) {
  const std::vector<float> inside{0, 0.5F, 1};
  const std::vector<float> outside{-3, 0.5F, 1};
  const std::vector<float> numbers{0, 15, 8};
  EXPECT_EQ(output_meaning(inside, 1, OutputRange::kUnit), OutputMeaning::kScores);
  EXPECT_EQ(output_meaning(inside, 1, OutputRange::kUnbounded), OutputMeaning::kForegroundScore);
  EXPECT_EQ(output_meaning(inside, 1, OutputRange::kUnknown), OutputMeaning::kScores);
  EXPECT_EQ(output_meaning(outside, 1, OutputRange::kUnknown), OutputMeaning::kForegroundScore);
  EXPECT_EQ(output_meaning(numbers, 1, OutputRange::kUnknown), OutputMeaning::kClassNumbers);
}

TEST(OutputMeaning, ScoresGiveTheProbabilitiesBack) {
  ThreadPool pool(2);
  const auto buffers = BufferPool::create();
  auto logits = make({0.25F, 1, 0, 0.75F, 0, 1}, 2, 1, 3, *buffers);
  ASSERT_TRUE(to_scores(logits, OutputMeaning::kProbabilities, *buffers, pool));
  const LogitsView view{.values = logits.values.span(), .channels = 2, .height = 1, .width = 3};
  const auto maps = make_class_maps(view, 3, 1, std::vector<int>{0, 1}, pool, {}).value();
  EXPECT_THAT(maps.argmax.span(), ElementsAre(1, 0, 1));
  EXPECT_NEAR(maps.probabilities[0].span()[0], 0.25F, 1e-6);
  EXPECT_NEAR(maps.probabilities[1].span()[1], 0, 1e-6);

  auto foreground = make({-2, 0, 2}, 1, 1, 3, *buffers);
  ASSERT_TRUE(to_scores(foreground, OutputMeaning::kForegroundScore, *buffers, pool));
  const LogitsView two{.values = foreground.values.span(), .channels = 2, .height = 1, .width = 3};
  const auto maps_of_two = make_class_maps(two, 3, 1, std::vector<int>{1}, pool, {}).value();
  EXPECT_THAT(maps_of_two.argmax.span(), ElementsAre(0, 0, 1));
  EXPECT_NEAR(maps_of_two.probabilities[0].span()[2], 1 / (1 + std::exp(-2.0)), 1e-6);
}

TEST(OutputMeaning, NumbersOfClassesAreTakenAsGiven) {
  const auto buffers = BufferPool::create();
  const auto numbers = make({0, 1, 2, 20}, 1, 2, 2, *buffers);
  EXPECT_THAT(class_maps_of_numbers(numbers, 21, 2, 2, "m")->argmax.span(), ElementsAre(0, 1, 2, 20));
  EXPECT_THAT(class_maps_of_numbers(numbers, 21, 4, 1, "m")->argmax.span(), ElementsAre(2, 2, 20, 20))
      << "of two rows equally near the lower";
  EXPECT_THAT(class_maps_of_numbers(numbers, 21, 1, 3, "m")->argmax.span(), ElementsAre(1, 20, 20));
  const auto few = class_maps_of_numbers(numbers, 20, 2, 2, "m.pte");
  ASSERT_FALSE(few);
  EXPECT_EQ(few.error().code, ErrorCode::kUnsupportedModel);
  EXPECT_THAT(few.error().message, HasSubstr("m.pte"));
  for (const float wrong : {-1.0F, 0.5F, NAN, INFINITY}) {
    EXPECT_FALSE(class_maps_of_numbers(make({wrong, 0, 0, 0}, 1, 2, 2, *buffers), 21, 2, 2, "m")) << wrong;
  }
}

}  // namespace
}  // namespace silhouette
