// What networks may take and give, beyond one float image to one map of logits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/hash_random.hpp"
#include "silhouette/silhouette.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::source_file;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string model(const std::string& name) {
  return source_file("tests/data/models/" + name + ".pte").string();
}

ImageSegmentationModule loaded(const std::string& name, LoadOptions options = {}) {
  ImageSegmentationModule module;
  const auto done = module.load(model(name), options);
  EXPECT_TRUE(done) << done.error().message;
  return module;
}

test::Npy<float> golden(const std::string& name) {
  return test::read_npy_float(source_file("tests/golden/tiny/" + name + ".npy"));
}

/// The pixels whose normalised values are nearest to the golden outputs' input: fixtures take numbers, modules images.
std::vector<std::byte> pixels(int width, int height) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(3 * width * height));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>((i * 37 + i / 7 * 11) % 256);
  return bytes;
}

struct Run {
  Segmentation result;
  std::vector<float> raw;  ///< what the network itself gives for the same image
};

Run segment(const ImageSegmentationModule& module, std::vector<ClassId> classes, ForwardOptions options = {}) {
  const auto description = module.description().value();
  const auto bytes = pixels(description.input_width, description.input_height);
  auto result =
      module.forward(ImageSource::pixels({bytes, description.input_width, description.input_height, PixelFormat::kRgb}),
                     classes, options);
  EXPECT_TRUE(result) << result.error().message;
  const std::size_t plane = bytes.size() / 3;
  std::vector<float> input(bytes.size());
  for (std::size_t i = 0; i < plane; ++i) {
    for (std::size_t c = 0; c < 3; ++c) input[c * plane + i] = static_cast<float>(bytes[i * 3 + c]) / 255.0F;
  }
  return {std::move(*result), module.run_network(input).value()};
}

class EveryEngine : public ::testing::TestWithParam<EngineChoice> {
 protected:
  static LoadOptions options() {
    LoadOptions options;
    options.engine = GetParam();
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Contract, EveryEngine, ::testing::Values(EngineChoice::kAuto, EngineChoice::kExecutorch),
                         [](const auto& test) { return test.param == EngineChoice::kAuto ? "auto" : "executorch"; });

TEST_P(EveryEngine, SoftmaxOfTheNetworkIsNotAppliedAgain) {
  const auto module = loaded("tiny_softmax", options());
  const auto [result, raw] = segment(module, {0, 1, 2, 3});
  const std::size_t plane = result.argmax().size();
  for (std::size_t c = 0; c < 4; ++c) {
    const auto map = result.probability(static_cast<int>(c)).value();
    for (std::size_t i = 0; i < plane; ++i) ASSERT_NEAR(map[i], raw[c * plane + i], 1e-6);
  }
}

TEST_P(EveryEngine, OneChannelIsAScoreOrAProbability) {
  const auto score = loaded("case_logit", options());
  const auto probability = loaded("case_sigmoid", options());
  const auto of_score = segment(score, {1});
  const auto of_probability = segment(probability, {1});
  EXPECT_TRUE(std::ranges::equal(of_score.result.argmax(), of_probability.result.argmax()));
  const auto a = of_score.result.probability(1).value();
  const auto b = of_probability.result.probability(1).value();
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(a[i], 1 / (1 + std::exp(-of_score.raw[i])), 1e-6);
    ASSERT_NEAR(a[i], b[i], 1e-6);
  }
  EXPECT_THAT(of_score.result.pixel_counts(), Each(::testing::Gt(100)));
}

TEST_P(EveryEngine, ChannelsBehindAreReadRight) {
  for (const char* name : {"tiny_nhwc_output", "tiny_unbatched_nhwc_output"}) {
    SCOPED_TRACE(name);
    const auto module = loaded(name, options());
    const auto description = module.description().value();
    EXPECT_EQ(description.channels, 4);
    EXPECT_EQ(description.output_width, 20);
    EXPECT_EQ(description.output_height, 16);
    std::vector<float> input(3 * 16 * 20);
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_random(1000, i);
    const auto planes = module.run_network(input).value();
    const auto expected = golden(name);
    ASSERT_EQ(planes.size(), expected.values.size());
    for (std::size_t i = 0; i < 16 * 20; ++i) {
      for (std::size_t c = 0; c < 4; ++c) ASSERT_NEAR(planes[c * 320 + i], expected.values[i * 4 + c], 1e-5);
    }
  }
  EXPECT_EQ(loaded("case_nhwc_out", options()).description()->channels, 3);
}

TEST_P(EveryEngine, NumbersOfClassesAreTheClassMap) {
  for (const char* name : {"tiny_argmax_i32", "tiny_argmax_i64", "int_output"}) {
    const auto module = loaded(name, options());
    EXPECT_FALSE(module.description()->has_probabilities);
    EXPECT_EQ(module.description()->labels.size(), std::string(name) == "int_output" ? 3U : 5U) << name;
    const auto [result, raw] = segment(module, {});
    for (std::size_t i = 0; i < raw.size(); ++i) ASSERT_EQ(static_cast<float>(result.argmax()[i]), raw[i]);
    const auto bytes = pixels(40, 30);
    const auto image = ImageSource::pixels({bytes, 40, 30, PixelFormat::kRgb});
    const auto resized = module.forward(image, {}, true);
    ASSERT_TRUE(resized);
    EXPECT_EQ(resized->argmax().size(), 1200U);
    const ClassId one = 1;
    const auto refused = module.forward(image, {&one, 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupportedModel);
    EXPECT_THAT(refused.error().message, HasSubstr("argmax"));
  }
}

TEST_P(EveryEngine, NumbersOfClassesAsFloatsWantLabels) {
  const auto without = loaded("tiny_argmax_float", options());
  const auto bytes = pixels(16, 16);
  const auto image = ImageSource::pixels({bytes, 16, 16, PixelFormat::kRgb});
  const auto refused = without.forward(image);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupportedModel);
  EXPECT_THAT(refused.error().message, HasSubstr("labels"));
  LoadOptions with = options();
  with.labels = {"a", "b", "c", "d", "e"};
  const auto [result, raw] = segment(loaded("tiny_argmax_float", with), {});
  for (std::size_t i = 0; i < raw.size(); ++i) ASSERT_EQ(static_cast<float>(result.argmax()[i]), raw[i]);
}

/// Networks that were called damaged, with PyTorch's outputs for an image.
TEST_P(EveryEngine, NetworksOfOddMakeAgreeWithPytorch) {
  const auto image = test::read_bytes(source_file("tests/data/models/image_32x32.npy"));
  const auto bytes = std::span(image).last(3 * 32 * 32);
  std::vector<float> input(bytes.size());
  for (std::size_t i = 0; i < 1024; ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      input[c * 1024 + i] = static_cast<float>(std::to_integer<int>(bytes[i * 3 + c])) / 255.0F;
    }
  }
  for (const char* name : {"n_sub_half_xnn", "n_div_sub_xnn", "n_mul255_xnn", "relu", "relu_noconst_softmax_xnn"}) {
    const auto module = loaded(name, options());
    const auto output = module.run_network(input);
    ASSERT_TRUE(output) << output.error().message;
    const auto expected = golden(name);
    ASSERT_EQ(output->size(), expected.values.size());
    const auto most = std::ranges::max(expected.values, {}, [](float v) { return std::abs(v); });
    for (std::size_t i = 0; i < output->size(); ++i) {
      ASSERT_NEAR((*output)[i], expected.values[i], 5e-5 * std::max(1.0F, std::abs(most))) << name << " " << i;
    }
  }
}

TEST(Contract, ConstantsInThePayloadStayWhereXnnpackReadsThem) {
  for (const char* name : {"blob_mean", "blob_full"}) {
    LoadOptions options;
    options.engine = EngineChoice::kExecutorch;
    const auto executorch = loaded(name, options);
    options.engine = EngineChoice::kNative;
    const auto native = loaded(name, options);
    const auto description = native.description().value();
    std::vector<float> input(static_cast<std::size_t>(3 * description.input_width * description.input_height));
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_random(7, i);
    const auto a = native.run_network(input).value();
    const auto b = executorch.run_network(input).value();
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 3e-6) << name << " " << i;
    // The same bytes that the caller has in memory.
    ImageSegmentationModule of_bytes;
    options.engine = EngineChoice::kExecutorch;
    ASSERT_TRUE(of_bytes.load(ModelSource::bytes(test::read_bytes(model(name))), options));
    EXPECT_EQ(of_bytes.run_network(input).value(), b);
  }
}

TEST(Contract, PaddedAveragesAreLeftToTheNativeEngine) {
  EXPECT_EQ(loaded("padded_average").description()->engine, "native");
  ImageSegmentationModule module;
  LoadOptions options;
  options.engine = EngineChoice::kExecutorch;
  const auto refused = module.load(model("padded_average"), options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupportedModel);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("padded_average.pte"), HasSubstr("native")));
}

TEST(Contract, WeightsInAnotherFileAreAskedFor) {
  for (const auto engine : {EngineChoice::kAuto, EngineChoice::kExecutorch}) {
    ImageSegmentationModule module;
    LoadOptions options;
    options.engine = engine;
    const auto refused = module.load(model("external_weights"), options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupportedModel);
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr(".ptd"), HasSubstr("c.weight"), Not(HasSubstr("damaged"))));
  }
}

TEST(Contract, UnbatchedNetworksTakeImages) {
  const auto module = loaded("tiny_unbatched");
  EXPECT_EQ(module.description()->engine, "native");
  EXPECT_EQ(module.description()->channels, 4);
  EXPECT_EQ(segment(module, {2}).result.classes().size(), 1U);
}

}  // namespace
}  // namespace silhouette
