#include "synthesize/synthesize.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/hash_random.hpp"
#include "support/support.hpp"

namespace silhouette::tools {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

std::vector<std::byte> make_skeleton(const std::string& manifest, std::string_view kept) {
  auto length = static_cast<std::uint32_t>(manifest.size());
  std::string file = "SILSKEL1";
  file.append(reinterpret_cast<const char*>(&length), sizeof length);
  return bytes_of(file + manifest + std::string(kept));
}

/// "ab", a filter of 2 channels × 3, "c"; gains 2 and -0.5 after the kept bytes.
Json small_manifest() {
  return {{"name", "small"},
          {"size", 27},
          {"input", {1, 3, 4, 4}},
          {"pieces",
           {{{"raw", 2}},
            {{"filter",
              {{"seed", "18446744073709551615"},
               {"count", 6},
               {"gain_offset", 3},
               {"channels", 2},
               {"layout", "channel_major"}}}},
            {{"raw", 1}}}}};
}

std::string small_kept() {
  const float gains[] = {2.0F, -0.5F};
  std::string kept = "abc";
  kept.append(reinterpret_cast<const char*>(gains), sizeof gains);
  return kept;
}

TEST(hash_random, gives_the_bits_that_python_gives) {
  // Printed by common.hash_uniform(seed, …) of tools/export.
  EXPECT_EQ(hash_random(0, 0), 0x1.8882ap-1F);
  EXPECT_EQ(hash_random(0, 3), 0x1.e22eep-1F);
  EXPECT_EQ(hash_random(1000, 0), -0x1.0f8518p-1F);
  EXPECT_EQ(hash_random(1000, 1), 0x1.41ea74p-1F);
  EXPECT_EQ(hash_random(~std::uint64_t{0}, 2), -0x1.1f402p-1F);
}

TEST(synthesize, puts_filters_between_the_kept_bytes) {
  for (const std::string layout : {"channel_major", "channel_minor"}) {
    auto manifest = small_manifest();
    manifest["pieces"][1]["filter"]["layout"] = layout;
    const auto file = synthesize(make_skeleton(manifest.dump(), small_kept()));
    ASSERT_TRUE(file) << file.error();
    ASSERT_EQ(file->size(), 27U);
    EXPECT_EQ((*file)[0], std::byte{'a'});
    EXPECT_EQ((*file)[1], std::byte{'b'});
    EXPECT_EQ((*file)[26], std::byte{'c'});
    for (std::size_t i = 0; i < 6; ++i) {
      float value = 0;
      std::memcpy(&value, file->data() + 2 + i * 4, 4);
      const std::size_t channel = layout == "channel_major" ? i / 3 : i % 2;
      EXPECT_EQ(value, (channel == 0 ? 2.0F : -0.5F) * hash_random(~std::uint64_t{0}, i)) << layout << ' ' << i;
    }
  }
}

TEST(synthesize, reads_what_the_manifest_says) {
  const auto info = read_skeleton_info(make_skeleton(small_manifest().dump(), small_kept()));
  ASSERT_TRUE(info) << info.error();
  EXPECT_EQ(info->name, "small");
  EXPECT_EQ(info->size, 27U);
  EXPECT_THAT(info->input, testing::ElementsAre(1, 3, 4, 4));
}

TEST(synthesize, refuses_what_is_not_a_skeleton) {
  EXPECT_FALSE(synthesize({}));
  EXPECT_FALSE(synthesize(bytes_of("SILSKEL")));
  EXPECT_FALSE(synthesize(bytes_of("SILSKEL2\0\0\0\0")));
  EXPECT_FALSE(synthesize(make_skeleton("", "")));
  EXPECT_FALSE(synthesize(make_skeleton("[]", "")));
  EXPECT_FALSE(synthesize(make_skeleton("{", "")));
  auto cut = make_skeleton(small_manifest().dump(), small_kept());
  while (!cut.empty()) {
    cut.pop_back();
    EXPECT_FALSE(synthesize(cut)) << cut.size();
  }
}

TEST(synthesize, refuses_values_out_of_range) {
  struct Case {
    const char* pointer;
    Json value;
    const char* message;
  };
  const Json huge = ~std::uint64_t{0};
  const Case cases[] = {
      {"/size", 28, "shorter"},
      {"/size", 26, "longer"},
      {"/size", std::uint64_t{1} << 31, "1 GiB"},
      {"/size", -1, "no size"},
      {"/size", "27", "no size"},
      {"/input/0", 1.5, "whole numbers"},
      {"/pieces", 3, "no pieces"},
      {"/pieces/0", 3, "raw or a filter"},
      {"/pieces/0/raw", huge, "end too early"},
      {"/pieces/2/raw", 100, "end too early"},
      {"/pieces/1/filter/seed", 7, "needs seed"},
      {"/pieces/1/filter/seed", "18446744073709551616", "needs seed"},
      {"/pieces/1/filter/seed", "-1", "needs seed"},
      {"/pieces/1/filter/count", 0, "count is out of range"},
      {"/pieces/1/filter/count", huge, "count is out of range"},
      {"/pieces/1/filter/count", 7, "multiple"},
      {"/pieces/1/filter/count", 60, "longer"},
      {"/pieces/1/filter/channels", 0, "multiple"},
      {"/pieces/1/filter/channels", huge, "multiple"},
      {"/pieces/1/filter/channels", 3, "outside"},
      {"/pieces/1/filter/gain_offset", huge, "outside"},
      {"/pieces/1/filter/gain_offset", 4, "outside"},
      {"/pieces/1/filter/layout", "other", "layout"},
  };
  for (const auto& [pointer, value, message] : cases) {
    auto manifest = small_manifest();
    manifest[Json::json_pointer(pointer)] = value;
    const auto file = synthesize(make_skeleton(manifest.dump(), small_kept()));
    ASSERT_FALSE(file) << pointer << ' ' << value;
    EXPECT_THAT(file.error(), HasSubstr(message)) << pointer << ' ' << value;
  }
}

TEST(synthesize, committed_skeletons_describe_whole_files) {
  for (const auto* name : {"deeplabv3_resnet50_224", "deeplabv3_resnet50_224_et06", "lraspp_mobilenet_v3_large_224",
                           "lraspp_mobilenet_v3_large_224_et06", "deeplabv3_mobilenet_v3_large_224", "selfie_256"}) {
    const auto path = test::source_file("models/skeletons/" + std::string(name) + ".skeleton");
    const auto skeleton = test::read_bytes(path);
    const auto info = read_skeleton_info(skeleton);
    ASSERT_TRUE(info) << info.error();
    EXPECT_EQ(info->name, name);
    EXPECT_EQ(info->sha256.size(), 64U);
    const auto file = synthesize(skeleton);
    ASSERT_TRUE(file) << file.error();
    EXPECT_EQ(file->size(), info->size);
    EXPECT_EQ(std::memcmp(file->data() + 8, "eh00", 4), 0) << "the extended header of a .pte";
  }
}

}  // namespace
}  // namespace silhouette::tools
