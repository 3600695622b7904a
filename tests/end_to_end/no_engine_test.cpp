// Of a build without an engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "silhouette/silhouette.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using ::testing::HasSubstr;

TEST(WithoutEngine, LoadSaysWhatIsMissing) {
  ImageSegmentationModule module;
  for (const auto choice : {EngineChoice::kAuto, EngineChoice::kExecutorch}) {
    LoadOptions options;
    options.engine = choice;
    const auto loaded = module.load(kDeeplabV3MobilenetV2Embedded, options);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kUnsupportedModel);
    EXPECT_THAT(loaded.error().message, HasSubstr(std::string(kDeeplabV3MobilenetV2Embedded)));
    EXPECT_THAT(loaded.error().message, HasSubstr("SILHOUETTE_EXECUTORCH=ON"));
  }
  EXPECT_EQ(module.forward("photo.jpg").error().code, ErrorCode::kModelNotLoaded);
}

TEST(WithoutEngine, WhatIsWrongWithAModelIsSaidFirst) {
  ImageSegmentationModule module;
  const auto loaded = module.load(test::source_file("tests/data/models/int_output.pte").string());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("int_output.pte"));
  EXPECT_THAT(loaded.error().message, ::testing::Not(HasSubstr("SILHOUETTE_EXECUTORCH")));
  EXPECT_EQ(module.load("/no/such.pte").error().code, ErrorCode::kFileNotFound);
}

}  // namespace
}  // namespace silhouette
