#include "support/golden.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "base/hash_random.hpp"
#include "support/support.hpp"
#include "synthesize/synthesize.hpp"

namespace silhouette::test {
namespace {

std::vector<std::int32_t> classes_of(const GoldenNetwork& network, std::span<const float> logits) {
  const std::size_t pixels = network.size * network.size;
  std::vector<std::int32_t> classes(pixels);
  for (std::size_t p = 0; p < pixels; ++p) {
    if (network.channels == 1) classes[p] = logits[p] > 0.5F ? 1 : 0;
    for (std::size_t c = 1; c < network.channels; ++c) {
      if (logits[c * pixels + p] > logits[static_cast<std::size_t>(classes[p]) * pixels + p]) {
        classes[p] = static_cast<std::int32_t>(c);
      }
    }
  }
  return classes;
}

}  // namespace

void PrintTo(const GoldenNetwork& network, std::ostream* out) {
  *out << network.skeleton;
}

std::vector<GoldenNetwork> golden_networks() {
  return {{"deeplabv3_resnet50_224", "deeplabv3_resnet50_224", 4},
          {"deeplabv3_resnet50_224_et06", "deeplabv3_resnet50_224", 4},
          {"deeplabv3_mobilenet_v3_large_224", "deeplabv3_mobilenet_v3_large_224", 8},
          {"lraspp_mobilenet_v3_large_224", "lraspp_mobilenet_v3_large_224", 4},
          {"lraspp_mobilenet_v3_large_224_et06", "lraspp_mobilenet_v3_large_224", 4},
          {.skeleton = "selfie_256", .golden = "selfie_256", .step = 4, .size = 256, .channels = 1}};
}

std::vector<GoldenNetwork> large_golden_networks() {
  std::vector<GoldenNetwork> networks;
  for (const auto* name : {"fcn_resnet50_224", "fcn_resnet101_224", "deeplabv3_resnet101_224"})
    networks.push_back({.skeleton = name, .golden = name, .step = 14, .large = true});
  return networks;
}

bool takes_minutes(const GoldenNetwork& network) {
  return (kInstrumented && network.large) || (kThreadSanitizer && network.golden == "deeplabv3_resnet50_224");
}

std::vector<std::byte> golden_model(const GoldenNetwork& network) {
  auto file = tools::synthesize(read_bytes(source_file("models/skeletons/" + network.skeleton + ".skeleton")));
  EXPECT_TRUE(file) << file.error();
  return file ? std::move(*file) : std::vector<std::byte>{};
}

std::vector<float> golden_input(const GoldenNetwork& network, int k) {
  std::vector<float> input(3 * network.size * network.size);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_random(1000 + static_cast<std::uint64_t>(k), i);
  return input;
}

void expect_golden(const GoldenNetwork& network, int k, std::span<const float> logits, double tolerance) {
  const std::size_t size = network.size;
  ASSERT_EQ(logits.size(), network.channels * size * size);
  const auto folder = "tests/golden/" + network.golden + "/";
  const auto classes = read_gray_png(source_file(folder + "argmax_" + std::to_string(k) + ".png"));
  EXPECT_GE(agreement(classes_of(network, logits), classes.values), 0.9999);

  const auto golden = read_npy_float(source_file(folder + "logits_" + std::to_string(k) + ".npy"));
  // Of a step the pixel in its middle is kept.
  const std::size_t step = network.step;
  ASSERT_EQ(golden.shape, (std::vector<std::size_t>{network.channels, size / step, size / step}));
  const auto [low, high] = std::ranges::minmax(golden.values);
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t c = 0; c < network.channels; ++c) {
    for (std::size_t y = step / 2; y < size; y += step) {
      for (std::size_t x = step / 2; x < size; x += step, ++at) {
        const double error = std::abs(double{logits[(c * size + y) * size + x]} - double{golden.values[at]});
        worst = std::isnan(error) ? HUGE_VAL : std::max(worst, error);
      }
    }
  }
  EXPECT_LE(worst, tolerance * double{high - low});
  ::testing::Test::RecordProperty("relative_error_" + std::to_string(k),
                                  std::to_string(worst / double{high - low} * 1e6) + "e-6");
}

}  // namespace silhouette::test
