// A format that only this program knows, through everything that asks formats.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "formats/model.hpp"
#include "silhouette/core/session.hpp"
#include "support/support.hpp"
#ifdef SILHOUETTE_WITH_PIPELINE
#include "silhouette/image_segmentation_module.hpp"
#include "silhouette/model_cache.hpp"
#include "silhouette/network_listing.hpp"
#include "support/http_server.hpp"
#endif

namespace silhouette {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Class 0 wins where red is more than blue, class 1 where green is brightest.
const std::string kToy = "TOYNET1\nimage 2 3\nclasses 2\nweights 1 0 -1 0 1 0\nbiases 0 0.25\nlabels red,green\n";

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// 3 × 2 pixels, and the classes that the scores r − b and g + ¼ give them.
const std::vector<std::uint8_t> kPixels{255, 0, 0,   0,   255, 0, 255, 0,   255,  //
                                        0,   0, 255, 200, 100, 0, 0,   200, 0};
constexpr std::array kClasses{0, 1, 1, 1, 0, 1};

PixelView view() {
  return {.bytes = std::as_bytes(std::span(kPixels)), .width = 3, .height = 2};
}

TEST(ToyFormat, RunsInASession) {
  const auto session = core::Session::load(bytes_of(kToy), {.name = "m.toy"});
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ(session->description().format, "toy");
  EXPECT_THAT(session->description().labels, ElementsAre("red", "green"));
  EXPECT_EQ(session->description().labels_origin, "file");
  const auto maps = session->segment(view());
  ASSERT_TRUE(maps) << maps.error().message;
  EXPECT_THAT(maps->argmax(), ::testing::ElementsAreArray(kClasses));
  EXPECT_THAT(maps->pixel_counts(), ElementsAre(2, 4));
}

TEST(ToyFormat, StandsBesidePte) {
  const auto file = test::read_bytes(test::source_file("tests/data/models/tiny_plain.pte"));
  EXPECT_EQ(formats::read_model(file, "m").value().format, "pte");
  EXPECT_EQ(formats::read_model(bytes_of(kToy), "m").value().format, "toy");
  EXPECT_THAT(formats::read_model(bytes_of("neither"), "m").error().message, HasSubstr("ExecuTorch program"));
}

TEST(ToyFormat, ContradictionsAreRefusedBeforeAnEngineIsMade) {
  for (const std::string lie : {"declares 2 3 2", "declares 2 200 300", "declares 3 2 3", "declares 2 2 2"}) {
    const auto session = core::Session::load(bytes_of(kToy + lie), {.name = "liar.toy"});
    ASSERT_FALSE(session) << lie;
    EXPECT_EQ(session.error().code, ErrorCode::kInvalidModel) << session.error().message;
    EXPECT_THAT(session.error().message, AllOf(HasSubstr("'liar.toy' is damaged"), HasSubstr("[1, 2, 2, 3]")));
  }
  EXPECT_TRUE(core::Session::load(bytes_of(kToy + "declares 2 2 3"), {}));
}

TEST(ToyFormat, FaultsAreItsOwn) {
  const auto strange = core::Session::load(bytes_of(kToy + "pooling 2"), {.name = "m.toy"});
  ASSERT_FALSE(strange);
  EXPECT_EQ(strange.error().code, ErrorCode::kUnsupportedModel);
  EXPECT_THAT(strange.error().message, AllOf(HasSubstr("pooling is no operator of a toy"), HasSubstr("write it anew")));
  const auto cut = formats::check_whole(bytes_of(kToy.substr(0, kToy.find("biases"))), "m.toy");
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kInvalidModel);
  EXPECT_TRUE(formats::check_whole(bytes_of(kToy), "m.toy"));
}

#ifdef SILHOUETTE_WITH_PIPELINE
std::vector<std::byte> copy_of(const std::string& text) {
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

TEST(ToyFormat, RunsInTheModule) {
  ImageSegmentationModule module;
  const auto loaded = module.load(ModelSource::bytes(copy_of(kToy)));
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(module.description()->engine, "native");
  EXPECT_THAT(module.description()->operators, ElementsAre("toy:convolution"));
  const auto result = module.forward(ImageSource::pixels(view()));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_THAT(result->argmax(), ::testing::ElementsAreArray(kClasses));
  const auto listing = list_network(ModelSource::bytes(copy_of(kToy)), {});
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_THAT(listing->steps, ::testing::Contains(HasSubstr("convolution")));
}

TEST(ToyFormat, IsDownloadedKeptAndCheckedLikeAnyOther) {
  const test::ScratchFolder folder;
  std::string body = kToy.substr(0, kToy.find("biases"));
  test::HttpServer server([&](const test::HttpRequest&) { return test::HttpReply{.body = body, .omit_length = true}; });
  LoadOptions options;
  options.cache_directory = folder.path().string();
  ImageSegmentationModule module;
  const auto cut = module.load(server.url("/m.toy"), options);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::kInvalidModel);
  EXPECT_THAT(cut.error().message, HasSubstr("its weights are missing"));
  {
    const auto held = server.hold_handler();
    body = kToy;
  }
  for (int round = 0; round < 2; ++round) {
    const auto loaded = module.load(server.url("/m.toy"), options);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_THAT(module.description()->labels, ElementsAre("red", "green"));
    const auto held = server.hold_handler();
    body = "gone";
  }
  EXPECT_THAT(list_cached_models(options.cache_directory).value(), ::testing::SizeIs(1));
}

TEST(ToyFormat, IsLeftToTheNativeEngine) {
  LoadOptions options;
  options.engine = EngineChoice::kExecutorch;
  ImageSegmentationModule module;
  const auto loaded = module.load(ModelSource::bytes(copy_of(kToy)), options);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kUnsupportedModel);
}
#endif

}  // namespace
}  // namespace silhouette
