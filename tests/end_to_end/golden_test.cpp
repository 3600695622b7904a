// Everything here is compared with results of PyTorch, made by tools/export; see its README.md.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/hash_random.hpp"
#include "silhouette/silhouette.hpp"
#include "support/support.hpp"
#include "synthesize/synthesize.hpp"

namespace silhouette {
namespace {

using test::source_file;

const std::string kSamples = "models/samples/";
const std::string kGolden = "tests/golden/";

template <typename Values>
double agreement(std::span<const std::int32_t> classes, const Values& expected) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (classes[i] == static_cast<std::int32_t>(expected[i])) ++equal;
  return static_cast<double>(equal) / static_cast<double>(classes.size());
}

struct Photo {
  std::string name;
  DeeplabLabel subject;
  std::string subject_name;
};

void PrintTo(const Photo& photo, std::ostream* out) {
  *out << photo.name;
}

class PipelineGolden : public ::testing::TestWithParam<Photo> {};

// The photo is decoded, resized by torchvision, run by PyTorch, its logits resized by `interpolate`: the whole way, not
// ours.
TEST_P(PipelineGolden, AgreesWithPytorch) {
  const auto& photo = GetParam();
  ImageSegmentationModule module;
  ASSERT_TRUE(module.load(kDeeplabV3MobilenetV2Embedded));
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
      const auto map = result->probability(id).value();
      ASSERT_EQ(map.size(), golden.values.size());
      double worst = 0;
      for (std::size_t i = 0; i < map.size(); ++i)
        worst = std::max(worst, std::abs(double{map[i]} - golden.values[i] / 65535.0));
      EXPECT_LE(worst, 1e-3) << name << (resize ? " resized" : "");
      RecordProperty((name + (resize ? "_resized" : "")).c_str(), std::to_string(worst));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Photos, PipelineGolden,
                         ::testing::Values(Photo{"bird", DeeplabLabel::kBird, "BIRD"},
                                           Photo{"chelsea", DeeplabLabel::kCat, "CAT"},
                                           Photo{"astronaut", DeeplabLabel::kPerson, "PERSON"}),
                         [](const auto& test) { return test.param.name; });

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

struct Network {
  std::string skeleton;
  std::string golden;
  std::size_t step;
};

void PrintTo(const Network& network, std::ostream* out) {
  *out << network.skeleton;
}

class FullSizeNetwork : public ::testing::TestWithParam<Network> {};

// PyTorch's weights are those that `synthesize` fills in, its inputs those of `hash_random`.
TEST_P(FullSizeNetwork, AgreesWithPytorch) {
  constexpr int kSize = 224;
  constexpr std::size_t kPixels = std::size_t{kSize} * kSize;
  constexpr std::size_t kClasses = 21;
  auto file = tools::synthesize(test::read_bytes(source_file("models/skeletons/" + GetParam().skeleton + ".skeleton")));
  ASSERT_TRUE(file) << file.error();
  ImageSegmentationModule module;
  const auto loaded = module.load(ModelSource::bytes(std::move(*file)));
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (int k = 0; k < 2; ++k) {
    std::vector<float> input(3 * kPixels);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_random(1000 + static_cast<std::uint64_t>(k), i);
    const auto logits = module.run_network(input);
    ASSERT_TRUE(logits) << logits.error().message;
    ASSERT_EQ(logits->size(), kClasses * kPixels);

    std::vector<std::int32_t> argmax(kPixels);
    for (std::size_t p = 0; p < kPixels; ++p) {
      for (std::size_t c = 1; c < kClasses; ++c) {
        if ((*logits)[c * kPixels + p] > (*logits)[static_cast<std::size_t>(argmax[p]) * kPixels + p])
          argmax[p] = static_cast<std::int32_t>(c);
      }
    }
    const auto folder = kGolden + GetParam().golden + "/";
    EXPECT_GE(
        agreement(argmax, test::read_gray_png(source_file(folder + "argmax_" + std::to_string(k) + ".png")).values),
        0.9999);

    const auto golden = test::read_npy_float(source_file(folder + "logits_" + std::to_string(k) + ".npy"));
    // Only every step-th pixel is kept, from the middle of a step on.
    const std::size_t step = GetParam().step;
    ASSERT_EQ(golden.shape, (std::vector<std::size_t>{kClasses, kSize / step, kSize / step}));
    const auto [low, high] = std::ranges::minmax(golden.values);
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t c = 0; c < kClasses; ++c) {
      for (std::size_t y = step / 2; y < kSize; y += step) {
        for (std::size_t x = step / 2; x < kSize; x += step, ++at) {
          worst = std::max(worst, std::abs(double{(*logits)[c * kPixels + y * kSize + x]} - double{golden.values[at]}));
        }
      }
    }
    EXPECT_LE(worst, 1e-4 * double{high - low});
    RecordProperty(("relative_error_" + std::to_string(k)).c_str(),
                   std::to_string(worst / double{high - low} * 1e6) + "e-6");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Skeletons, FullSizeNetwork,
    ::testing::Values(Network{"deeplabv3_resnet50_224", "deeplabv3_resnet50_224", 4},
                      Network{"deeplabv3_resnet50_224_et06", "deeplabv3_resnet50_224", 4},
                      Network{"deeplabv3_mobilenet_v3_large_224", "deeplabv3_mobilenet_v3_large_224", 8},
                      Network{"lraspp_mobilenet_v3_large_224", "lraspp_mobilenet_v3_large_224", 4},
                      Network{"lraspp_mobilenet_v3_large_224_et06", "lraspp_mobilenet_v3_large_224", 4}),
    [](const auto& test) { return test.param.skeleton; });

class TinyNetwork : public ::testing::TestWithParam<std::string> {};

// One file for every way in which an exporter can write one.
TEST_P(TinyNetwork, AgreesWithPytorch) {
  ImageSegmentationModule module;
  const auto loaded = module.load(source_file("tests/data/models/" + GetParam() + ".pte").string());
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto description = module.description().value();
  std::vector<float> input(3 * static_cast<std::size_t>(description.input_height * description.input_width));
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_random(1000, i);
  const auto logits = module.run_network(input);
  ASSERT_TRUE(logits) << logits.error().message;
  const auto golden = test::read_npy_float(source_file(kGolden + "tiny/" + GetParam() + ".npy"));
  ASSERT_EQ(logits->size(), golden.values.size());
  const auto [low, high] = std::ranges::minmax(golden.values);
  // The golden of the quantised file is the fp32 network's: two steps of its 256 levels.
  const float tolerance = (GetParam() == "tiny_int8" ? 2.0F / 255 : 1e-5F) * (high - low);
  for (std::size_t i = 0; i < logits->size(); ++i) ASSERT_NEAR((*logits)[i], golden.values[i], tolerance) << i;
}

INSTANTIATE_TEST_SUITE_P(Files, TinyNetwork,
                         ::testing::Values("tiny_plain", "tiny_single_channel", "tiny_stride", "tiny_two_outputs",
                                           "tiny_portable", "tiny_channels_last", "tiny_clone", "tiny_inline_constants",
                                           "tiny_int8"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace silhouette
