// Of a build without ExecuTorch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "silhouette/silhouette.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using ::testing::HasSubstr;

TEST(WithoutExecutorch, TheNativeEngineSegments) {
  ImageSegmentationModule module;
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded));
  EXPECT_EQ(module.description()->engine, "native");
  EXPECT_TRUE(module.forward(test::source_file("models/samples/chelsea.png").string()));
}

TEST(WithoutExecutorch, LoadSaysWhatIsMissing) {
  ImageSegmentationModule module;
  const auto quantized = test::source_file("tests/data/models/tiny_int8.pte").string();
  for (const auto choice : {EngineChoice::kAuto, EngineChoice::kExecutorch}) {
    LoadOptions options;
    options.engine = choice;
    const auto loaded = module.load(quantized, options);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kUnsupportedModel);
    EXPECT_THAT(loaded.error().message, HasSubstr("tiny_int8.pte"));
    EXPECT_THAT(loaded.error().message, HasSubstr("SILHOUETTE_EXECUTORCH=ON"));
  }
  EXPECT_EQ(module.forward("photo.jpg").error().code, ErrorCode::kModelNotLoaded);
}

TEST(WithoutExecutorch, WhatIsWrongWithAModelIsSaidFirst) {
  ImageSegmentationModule module;
  const auto loaded = module.load(test::source_file("tests/data/models/int_output.pte").string());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("int_output.pte"));
  EXPECT_THAT(loaded.error().message, ::testing::Not(HasSubstr("SILHOUETTE_EXECUTORCH")));
  EXPECT_EQ(module.load("/no/such.pte").error().code, ErrorCode::kFileNotFound);
}

}  // namespace
}  // namespace silhouette
