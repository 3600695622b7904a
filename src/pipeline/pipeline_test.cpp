#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "base/guard.hpp"
#include "pipeline/class_ids.hpp"
#include "session/interpretation.hpp"

namespace silhouette {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kLabels{"Background", "CAT", "ARGH", "21"};

TEST(ClassIds, ResolveByNameNumberAndEnum) {
  EXPECT_EQ(resolve_class("CAT", kLabels), 1);
  EXPECT_EQ(resolve_class(3, kLabels), 3);
  EXPECT_EQ(resolve_class("21", kLabels), 3) << "a text is a label, not a number";
  EXPECT_EQ(resolve_class(DeeplabLabel::kBicycle, kLabels), 2);
  EXPECT_EQ(resolve_class(DeeplabLabel::kArgmax, kLabels), -1);
  EXPECT_EQ(resolve_class("ARGMAX", kLabels), -1);
  EXPECT_EQ(resolve_class("ARGMAX", std::vector<std::string>{"a", "ARGMAX"}), 1);
  const std::vector<ClassId> ids{3, "CAT", DeeplabLabel::kArgmax, 1};
  EXPECT_THAT(resolve_classes(ids, kLabels).value(), ElementsAre(1, 3));
  EXPECT_EQ(background_class(kLabels), 0);
  EXPECT_EQ(background_class(std::span(kLabels).subspan(1)), -1);
}

TEST(ClassIds, UnknownOnesListWhatThereIs) {
  for (const ClassId& id :
       {ClassId("cat"), ClassId(4), ClassId(-1), ClassId(DeeplabLabel::kPerson), ClassId(""), ClassId(nullptr)}) {
    const auto channel = resolve_class(id, kLabels);
    ASSERT_FALSE(channel);
    EXPECT_EQ(channel.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(channel.error().message, HasSubstr("Background, CAT, ARGH, 21"));
  }
}

TEST(ClassIds, AreReadFromTextAsPeopleTypeIt) {
  EXPECT_THAT(parse_classes("cat, background,2 ,\tArgh", kLabels).value(), ElementsAre(1, 0, 2, 2));
  EXPECT_THAT(parse_classes("21", kLabels).value(), ElementsAre(3)) << "a label before a number";
  EXPECT_THAT(parse_classes("argmax,,1,", kLabels).value(), ElementsAre(1));
  EXPECT_THAT(parse_classes("", kLabels).value(), ElementsAre());
  for (const char* wrong : {"unicorn", "cat,4", "-1", "1x", "cat dog", "99999999999999999999"}) {
    const auto classes = parse_classes(wrong, kLabels);
    ASSERT_FALSE(classes) << wrong;
    EXPECT_EQ(classes.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(classes.error().message, HasSubstr("Background, CAT, ARGH, 21"));
  }
  EXPECT_LT(parse_classes(std::string(10'000, 'x'), kLabels).error().message.size(), 300U);
  EXPECT_LT(resolve_class(std::string(10'000, 'x'), kLabels).error().message.size(), 300U);
}

TEST(ClassIds, LongListsAreCut) {
  const std::vector<std::string> labels(1000, "label");
  EXPECT_LT(resolve_class("x", labels).error().message.size(), 400U);
}

TEST(Guard, TurnsExceptionsIntoErrors) {
  EXPECT_EQ(guarded([]() -> Result<int> { throw std::bad_alloc(); }).error().code, ErrorCode::kLimitExceeded);
  const auto failed = guarded([]() -> Result<int> { throw std::runtime_error("oops"); });
  EXPECT_EQ(failed.error().code, ErrorCode::kInternal);
  EXPECT_THAT(failed.error().message, HasSubstr("oops"));
  EXPECT_EQ(guarded([]() -> Result<int> { throw 3; }).error().code, ErrorCode::kInternal);
  // What std::thread throws where there is none to be had.
  const auto threadless = guarded([]() -> Result<int> { throw std::system_error(EAGAIN, std::generic_category()); });
  EXPECT_EQ(threadless.error().code, ErrorCode::kLimitExceeded);
  EXPECT_THAT(threadless.error().message, HasSubstr("threads"));
  EXPECT_EQ(guarded([]() -> Result<int> { throw std::system_error(ENOMEM, std::generic_category()); }).error().code,
            ErrorCode::kLimitExceeded);
  EXPECT_EQ(guarded([]() -> Result<int> { throw std::system_error(EIO, std::generic_category()); }).error().code,
            ErrorCode::kInternal);
  // Memory ends again while the message is made.
  const auto speechless =
      guarded([]() -> Result<int> { throw std::bad_alloc(); }, []() -> std::string { throw std::bad_alloc(); });
  EXPECT_EQ(speechless.error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(speechless.error().message, "out of memory");
  EXPECT_EQ(guarded([]() -> Result<int> { return 3; }), 3);
}

}  // namespace
}  // namespace silhouette
