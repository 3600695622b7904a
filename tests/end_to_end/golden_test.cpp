// Everything here is compared with results of PyTorch, made by tools/export; see its README.md.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <tuple>
#include <vector>

#include "base/hash_random.hpp"
#include "silhouette/silhouette.hpp"
#include "support/golden.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::agreement;
using test::source_file;

const std::string kSamples = "models/samples/";
const std::string kGolden = "tests/golden/";

/// Who runs the network.
struct Runner {
  std::string name;
  EngineChoice engine = EngineChoice::kAuto;
  MemoryUse memory = MemoryUse::kDefault;
};

std::vector<Runner> runners() {
  return {{"native", EngineChoice::kNative, MemoryUse::kDefault},
          {"native_low", EngineChoice::kNative, MemoryUse::kLow},
          {"executorch", EngineChoice::kExecutorch, MemoryUse::kDefault}};
}

LoadOptions load_with(const Runner& runner) {
  LoadOptions options;
  options.engine = runner.engine;
  options.memory = runner.memory;
  return options;
}

void PrintTo(const Runner& runner, std::ostream* out) {
  *out << runner.name;
}

struct Photo {
  std::string name;
  DeeplabLabel subject;
  std::string subject_name;
};

void PrintTo(const Photo& photo, std::ostream* out) {
  *out << photo.name;
}

/// The largest difference between probabilities and a 16-bit picture of them.
double largest_error(std::span<const float> map, const test::GrayPng& golden) {
  EXPECT_EQ(map.size(), golden.values.size());
  if (map.size() != golden.values.size()) return HUGE_VAL;
  double worst = 0;
  for (std::size_t i = 0; i < map.size(); ++i) {
    const double error = std::abs(double{map[i]} - golden.values[i] / 65535.0);
    worst = std::isnan(error) ? HUGE_VAL : std::max(worst, error);
  }
  return worst;
}

class PipelineGolden : public ::testing::TestWithParam<std::tuple<Photo, Runner>> {};

// The photo is decoded, resized by torchvision, run by PyTorch, its logits resized by `interpolate`: the whole way, not
// ours.
TEST_P(PipelineGolden, AgreesWithPytorch) {
  const auto& [photo, runner] = GetParam();
  ImageSegmentationModule module;
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded, load_with(runner)));
  EXPECT_EQ(module.description()->engine, runner.name.substr(0, runner.name.find('_')));
  const std::vector<ClassId> classes{photo.subject, DeeplabLabel::kBackground};
  for (const bool resize : {false, true}) {
    const auto result = module.forward(source_file(kSamples + photo.name + ".png").string(), classes, resize);
    ASSERT_TRUE(result) << result.error().message;
    const std::string prefix = kGolden + "pipeline/" + photo.name + (resize ? "/original_" : "/model_");
    const auto expected = test::read_gray_png(source_file(prefix + "argmax.png"));
    ASSERT_EQ(result->width(), expected.width);
    ASSERT_EQ(result->height(), expected.height);
    EXPECT_GE(agreement(result->argmax(), expected.values), 0.999);
    std::vector<std::pair<ClassId, std::string>> maps{{photo.subject, photo.subject_name}};
    if (resize) maps.emplace_back(DeeplabLabel::kBackground, "BACKGROUND");
    for (const auto& [id, name] : maps) {
      const auto golden = test::read_gray_png(source_file(prefix + name + ".png"));
      const double worst = largest_error(result->probability(id).value(), golden);
      EXPECT_LE(worst, 1e-3) << name << (resize ? " resized" : "");
      RecordProperty((name + (resize ? "_resized" : "")).c_str(), std::to_string(worst));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Photos, PipelineGolden,
                         ::testing::Combine(::testing::Values(Photo{"bird", DeeplabLabel::kBird, "BIRD"},
                                                              Photo{"chelsea", DeeplabLabel::kCat, "CAT"},
                                                              Photo{"astronaut", DeeplabLabel::kPerson, "PERSON"}),
                                            ::testing::ValuesIn(runners())),
                         [](const auto& test) {
                           return std::get<0>(test.param).name + "_" + std::get<1>(test.param).name;
                         });

class SelfieGolden : public ::testing::TestWithParam<std::tuple<std::string, Runner>> {};

// Results of MediaPipe's own files, run by LiteRT.
TEST_P(SelfieGolden, AgreesWithTheTflite) {
  const auto& [name, runner] = GetParam();
  ImageSegmentationModule module;
  const auto loaded = module.load(source_file("models/" + name + ".pte").string(), load_with(runner));
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(module.description()->engine, runner.name.substr(0, runner.name.find('_')));
  const ClassId foreground = 1;
  for (const auto& [photo, resize] : {std::pair{"astronaut", false}, {"chelsea", false}, {"astronaut", true}}) {
    SCOPED_TRACE(photo);
    const auto result = module.forward(source_file(kSamples + photo + ".png").string(), {&foreground, 1}, resize);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_THAT(result->labels(), ::testing::ElementsAre("BACKGROUND", "FOREGROUND"));
    const auto golden =
        test::read_gray_png(source_file(kGolden + name + "/" + photo + (resize ? "_original" : "_model") + ".png"));
    ASSERT_EQ(result->width(), golden.width);
    ASSERT_EQ(result->height(), golden.height);
    const double worst = largest_error(result->probability(foreground).value(), golden);
    EXPECT_LE(worst, 1e-3) << (resize ? " resized" : "");
    RecordProperty(photo + std::string(resize ? "_resized" : ""), std::to_string(worst));
    std::vector<std::int32_t> classes;
    for (const auto value : golden.values) classes.push_back(value > 32767 ? 1 : 0);
    EXPECT_GE(agreement(result->argmax(), classes), 0.9999);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, SelfieGolden,
                         ::testing::Combine(::testing::Values("selfie_segmentation", "selfie_segmentation_landscape"),
                                            ::testing::ValuesIn(runners())),
                         [](const auto& test) { return std::get<0>(test.param) + "_" + std::get<1>(test.param).name; });

TEST(SamplePhotos, BirdAgreesWithTheMaskMadeByAHuman) {
  ImageSegmentationModule module;
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded));
  const auto result = module.forward(source_file(kSamples + "bird.png").string(), {}, true);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GE(agreement(result->argmax(), test::read_gray_png(source_file(kSamples + "bird_mask.png")).values), 0.97);
}

TEST(SamplePhotos, SubjectsAreFound) {
  ImageSegmentationModule module;
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded));
  for (const auto& [photo, label] : {std::pair{"chelsea", DeeplabLabel::kCat},
                                     {"astronaut", DeeplabLabel::kPerson},
                                     {"bird", DeeplabLabel::kBird},
                                     {"coffee", DeeplabLabel::kDiningtable}}) {
    const auto result = module.forward(source_file(kSamples + photo + ".png").string());
    ASSERT_TRUE(result) << result.error().message;
    const auto subjects = result->pixel_counts().subspan(1);
    EXPECT_EQ(std::ranges::max_element(subjects) - subjects.begin() + 1, static_cast<int>(label)) << photo;
  }
}

class FullSizeNetwork : public ::testing::TestWithParam<std::tuple<test::GoldenNetwork, Runner>> {};

// PyTorch's weights are those that `synthesize` fills in, its inputs those of `hash_random`.
TEST_P(FullSizeNetwork, AgreesWithPytorch) {
  const auto& [network, runner] = GetParam();
  if ((network.large || runner.engine == EngineChoice::kNative) && test::takes_minutes(network)) {
    GTEST_SKIP() << "too slow under a sanitizer";
  }
  ImageSegmentationModule module;
  const auto loaded = module.load(ModelSource::bytes(test::golden_model(network)), load_with(runner));
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(module.description()->engine, runner.name.substr(0, runner.name.find('_')));
  for (int k = 0; k < 2; ++k) {
    const auto logits = module.run_network(test::golden_input(network, k));
    ASSERT_TRUE(logits) << logits.error().message;
    test::expect_golden(network, k, *logits, 1e-4);
  }
}

INSTANTIATE_TEST_SUITE_P(Skeletons, FullSizeNetwork,
                         ::testing::Combine(::testing::ValuesIn(test::golden_networks()),
                                            ::testing::ValuesIn(runners())),
                         [](const auto& test) {
                           return std::get<0>(test.param).skeleton + "_" + std::get<1>(test.param).name;
                         });

INSTANTIATE_TEST_SUITE_P(Large, FullSizeNetwork,
                         ::testing::Combine(::testing::Values(test::large_golden_networks().front()),
                                            ::testing::ValuesIn(runners())),
                         [](const auto& test) {
                           return std::get<0>(test.param).skeleton + "_" + std::get<1>(test.param).name;
                         });

class TinyNetwork : public ::testing::TestWithParam<std::tuple<std::string, EngineChoice>> {};

// One file for every way in which an exporter can write one.
TEST_P(TinyNetwork, AgreesWithPytorch) {
  const auto& [name, engine] = GetParam();
  ImageSegmentationModule module;
  LoadOptions options;
  options.engine = engine;
  const auto loaded = module.load(source_file("tests/data/models/" + name + ".pte").string(), options);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto description = module.description().value();
  std::vector<float> input(3 * static_cast<std::size_t>(description.input_height * description.input_width));
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_random(1000, i);
  const auto logits = module.run_network(input);
  ASSERT_TRUE(logits) << logits.error().message;
  const auto golden = test::read_npy_float(source_file(kGolden + "tiny/" + name + ".npy"));
  ASSERT_EQ(logits->size(), golden.values.size());
  const auto [low, high] = std::ranges::minmax(golden.values);
  // The golden of the quantised file is the fp32 network's: two steps of its 256 levels.
  const float tolerance = (name == "tiny_int8" ? 2.0F / 255 : 1e-5F) * (high - low);
  for (std::size_t i = 0; i < logits->size(); ++i) ASSERT_NEAR((*logits)[i], golden.values[i], tolerance) << i;
}

INSTANTIATE_TEST_SUITE_P(
    Files, TinyNetwork,
    ::testing::Combine(::testing::Values("tiny_plain", "tiny_single_channel", "tiny_stride", "tiny_two_outputs",
                                         "tiny_portable", "tiny_channels_last", "tiny_clone", "tiny_inline_constants",
                                         "tiny_int8", "tiny_argmax_i32", "tiny_argmax_i64", "tiny_argmax_float",
                                         "tiny_softmax", "tiny_unbatched", "tiny_logit", "tiny_attention"),
                       ::testing::Values(EngineChoice::kAuto, EngineChoice::kExecutorch)),
    [](const auto& test) {
      const bool automatic = std::get<1>(test.param) == EngineChoice::kAuto;
      return std::get<0>(test.param) + (automatic ? "_auto" : "_executorch");
    });

}  // namespace
}  // namespace silhouette
