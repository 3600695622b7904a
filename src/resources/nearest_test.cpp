#include "resources/nearest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace silhouette {
namespace {

constexpr std::array<std::string_view, 4> kNames{"DEEPLAB_V3_RESNET50", "DEEPLAB_V3_RESNET101", "FCN_RESNET50",
                                                 "SELFIE"};

TEST(NearestName, ForgivesSlips) {
  EXPECT_EQ(nearest_name("DEEPLAB_V3_RESNET50", kNames), kNames[0]);
  EXPECT_EQ(nearest_name("deeplab v3-resnet50", kNames), kNames[0]);
  EXPECT_EQ(nearest_name("DEEPLAB_RESNET50", kNames), kNames[0]) << "three letters missing";
  EXPECT_EQ(nearest_name("DEEPLAB_V3_RESNET11", kNames), kNames[1]);
  EXPECT_EQ(nearest_name("FNC_RESNET50", kNames), kNames[2]) << "two letters swapped count as two";
  EXPECT_EQ(nearest_name("selfies", kNames), kNames[3]);
}

TEST(NearestName, GuessesNothingFarFetched) {
  for (const char* text : {"", "x", "UNICORN", "RESNET50", "SELECT"}) EXPECT_EQ(nearest_name(text, kNames), "") << text;
  EXPECT_EQ(nearest_name(std::string(1 << 20, 'D'), kNames), "");
  EXPECT_EQ(nearest_name("SELFIE", {}), "");
}

}  // namespace
}  // namespace silhouette
