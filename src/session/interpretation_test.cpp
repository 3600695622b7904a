#include "session/interpretation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "formats/pte/format.hpp"

namespace silhouette {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Numbers = std::vector<double>;

formats::Metadata with(std::initializer_list<std::pair<std::string, pte::MetadataValue>> metadata) {
  pte::Program program;
  for (const auto& [name, value] : metadata) program.metadata.emplace(name, value);
  return pte::read_metadata(program, "m.pte");
}

NetworkShape shape_of(int channels, OutputType type = OutputType::kFloat) {
  NetworkShape shape;
  shape.channels = channels;
  shape.output_type = type;
  return shape;
}

Result<Decided<std::vector<std::string>>> labels_of(const formats::Metadata& metadata, const Advice& options,
                                                    const NetworkShape& shape, std::int64_t classes = 0) {
  auto given = given_labels(metadata, options);
  if (!given) return given;
  const formats::Contract contract{
      .shape = shape, .output = "[1, " + std::to_string(shape.channels) + ", 4, 5]", .numbers = classes};
  return decide_labels(std::move(*given), contract, nullptr, "m.pte");
}

TEST(Normalization, OfTheFileIsTheFilesFault) {
  const auto metadata = with({{"get_mean", Numbers{0.5, 0.5, 0.5}}, {"get_std", Numbers{0.25, 0.25, 0.25}}});
  const auto decided = decide_normalization(metadata, {}, "m.pte").value();
  EXPECT_EQ(decided.origin, "file");
  EXPECT_FLOAT_EQ(decided.value.std[2], 0.25F);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [mean, std] : std::vector<std::pair<pte::MetadataValue, pte::MetadataValue>>{
           {Numbers{0, 0, 0}, Numbers{1, 0, 1}},
           {Numbers{0, 0, 0}, Numbers{1, nan, 1}},
           {Numbers{0, 0, 0}, Numbers{1, -1, 1}},
           {Numbers{nan, 0, 0}, Numbers{1, 1, 1}},
           {Numbers{123.675, 116.28, 103.53}, Numbers{58.395, 57.12, 57.375}},
           {std::monostate(), Numbers{1, 1, 1}},
           {Numbers{0, 0}, Numbers{1, 1, 1}},
           {0.5, Numbers{1, 1, 1}}}) {
    const auto wrong = decide_normalization(with({{"get_mean", mean}, {"get_std", std}}), {}, "m.pte");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidModel);
    EXPECT_THAT(wrong.error().message, AllOf(HasSubstr("m.pte"), HasSubstr("--mean")));
  }
}

TEST(Normalization, OfTheCallerIsTheCallersFault) {
  Advice options;
  options.normalization = Normalization{.mean = {123.675F, 116.28F, 103.53F}, .std = {58.395F, 57.12F, 57.375F}};
  const auto wrong = decide_normalization({}, options, "m.pte");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(wrong.error().message, HasSubstr("divide both by 255"));
  options.normalization = Normalization{.mean = {0.485F, 0.456F, 0.406F}, .std = {1 / 255.0F, 1 / 255.0F, 1 / 255.0F}};
  EXPECT_TRUE(decide_normalization({}, options, "m.pte"));
}

TEST(Labels, OfAnotherTypeAreNotIgnored) {
  const auto wrong = labels_of(with({{"get_labels", Numbers{1, 2}}}), {}, shape_of(2));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidModel);
  EXPECT_THAT(wrong.error().message, AllOf(HasSubstr("m.pte"), HasSubstr("--labels")));
}

TEST(Labels, AreAllDifferent) {
  EXPECT_THAT(labels_of(with({{"get_labels", "cat\ndog\ncat"}}), {}, shape_of(3))->value,
              ElementsAre("cat", "dog", "cat#2"));
  EXPECT_THAT(labels_of(with({{"get_labels", "cat\ncat\ncat#1"}}), {}, shape_of(3))->value,
              ElementsAre("cat", "cat#1", "cat#1#2"));
  Advice options;
  options.labels = {"cat", "dog", "cat"};
  const auto wrong = labels_of({}, options, shape_of(3));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(wrong.error().message, AllOf(HasSubstr("'cat'"), HasSubstr("class 0"), HasSubstr("class 2")));
}

TEST(Labels, HaveNoByteOrderMark) {
  Advice options;
  options.labels = {
      "\xEF\xBB\xBF"
      "background",
      "cat"};
  const auto labels = labels_of({}, options, shape_of(2))->value;
  EXPECT_THAT(labels, ElementsAre("background", "cat"));
  EXPECT_EQ(background_class(labels), 0);
  EXPECT_EQ(background_class(std::vector<std::string>{"cat", "__background__"}), 1);
}

TEST(Labels, OfOneChannel) {
  Advice options;
  EXPECT_THAT(labels_of({}, options, shape_of(1))->value, ElementsAre("BACKGROUND", "FOREGROUND"));
  options.labels = {"person"};
  EXPECT_THAT(labels_of({}, options, shape_of(1))->value, ElementsAre("BACKGROUND", "person"));
  options.labels = {"a", "b", "c"};
  EXPECT_THAT(labels_of({}, options, shape_of(1))->value, ElementsAre("a", "b", "c")) << "numbers of classes";
}

TEST(Labels, OfNumbersOfClasses) {
  EXPECT_EQ(labels_of({}, {}, shape_of(1, OutputType::kInt64), 21)->value[15], "PERSON");
  EXPECT_EQ(labels_of({}, {}, shape_of(1, OutputType::kInt32), 7)->value.size(), 7U);
  EXPECT_EQ(labels_of({}, {}, shape_of(1, OutputType::kInt32))->value.size(), 256U);
  Advice options;
  options.labels = {"a", "b", "c"};
  EXPECT_THAT(labels_of({}, options, shape_of(1, OutputType::kInt64))->value, ElementsAre("a", "b", "c"));
  EXPECT_FALSE(labels_of({}, options, shape_of(1, OutputType::kInt64), 4));
}

TEST(Labels, OfAnotherNumberTellTheOutputsShape) {
  Advice options;
  options.labels = {"a", "b", "c"};
  const auto wrong = labels_of({}, options, shape_of(4));
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("[1, 4, 4, 5]"));
}

}  // namespace
}  // namespace silhouette
