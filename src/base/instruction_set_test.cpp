#include "base/instruction_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace silhouette {
namespace {

using ::testing::HasSubstr;

TEST(InstructionSet, IsFoundByNameIfThisProcessorHasIt) {
  const auto sets = available_instruction_sets();
  ASSERT_FALSE(sets.empty());
  EXPECT_EQ(sets.back(), InstructionSet::kPortable);
  for (const auto set : {InstructionSet::kAvx512, InstructionSet::kAvx2, InstructionSet::kPortable}) {
    const auto found = find_instruction_set(instruction_set_name(set));
    if (std::ranges::find(sets, set) != sets.end()) {
      ASSERT_TRUE(found);
      EXPECT_EQ(*found, set);
    } else {
      EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
    }
  }
}

TEST(InstructionSet, WhatThereIsntIsToldWithWhatThereIs) {
  for (const auto& name : std::vector<std::string>{"avx3", "AVX2", "avx2 ", "neon", std::string(10'000, 'x')}) {
    const auto found = find_instruction_set(name);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(found.error().message, HasSubstr("SILHOUETTE_ISA is '" + name.substr(0, 40)));
    EXPECT_LT(found.error().message.size(), 200U);
    for (const auto set : available_instruction_sets())
      EXPECT_THAT(found.error().message, HasSubstr(std::string(instruction_set_name(set))));
  }
}

/// Run for every value of SILHOUETTE_ISA.
TEST(InstructionSet, IsWhatTheEnvironmentAsksFor) {
  const char* const asked = std::getenv("SILHOUETTE_ISA");
  const std::string name = asked == nullptr ? "" : asked;
  if (name.empty()) {
    EXPECT_TRUE(check_instruction_set());
    EXPECT_FALSE(instruction_set_limit());
    EXPECT_EQ(best_instruction_set(), available_instruction_sets().front());
  } else if (find_instruction_set(name)) {
    EXPECT_TRUE(check_instruction_set());
    EXPECT_EQ(instruction_set_name(best_instruction_set()), name);
  } else {
    EXPECT_THAT(check_instruction_set().error().message, HasSubstr(name));
    EXPECT_FALSE(instruction_set_limit());
  }
}

}  // namespace
}  // namespace silhouette
