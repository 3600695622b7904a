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

constexpr std::size_t kSize = 224;
constexpr std::size_t kPixels = kSize * kSize;
constexpr std::size_t kClasses = 21;

}  // namespace

void PrintTo(const GoldenNetwork& network, std::ostream* out) {
  *out << network.skeleton;
}

std::vector<GoldenNetwork> golden_networks() {
  return {{"deeplabv3_resnet50_224", "deeplabv3_resnet50_224", 4},
          {"deeplabv3_resnet50_224_et06", "deeplabv3_resnet50_224", 4},
          {"deeplabv3_mobilenet_v3_large_224", "deeplabv3_mobilenet_v3_large_224", 8},
          {"lraspp_mobilenet_v3_large_224", "lraspp_mobilenet_v3_large_224", 4},
          {"lraspp_mobilenet_v3_large_224_et06", "lraspp_mobilenet_v3_large_224", 4}};
}

bool takes_minutes(const GoldenNetwork& network) {
  return kThreadSanitizer && network.golden == "deeplabv3_resnet50_224";
}

std::vector<std::byte> golden_model(const GoldenNetwork& network) {
  auto file = tools::synthesize(read_bytes(source_file("models/skeletons/" + network.skeleton + ".skeleton")));
  EXPECT_TRUE(file) << file.error();
  return file ? std::move(*file) : std::vector<std::byte>{};
}

std::vector<float> golden_input(int k) {
  std::vector<float> input(3 * kPixels);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_random(1000 + static_cast<std::uint64_t>(k), i);
  return input;
}

void expect_golden(const GoldenNetwork& network, int k, std::span<const float> logits, double tolerance) {
  ASSERT_EQ(logits.size(), kClasses * kPixels);
  std::vector<std::int32_t> argmax(kPixels);
  for (std::size_t p = 0; p < kPixels; ++p) {
    for (std::size_t c = 1; c < kClasses; ++c) {
      if (logits[c * kPixels + p] > logits[static_cast<std::size_t>(argmax[p]) * kPixels + p]) {
        argmax[p] = static_cast<std::int32_t>(c);
      }
    }
  }
  const auto folder = "tests/golden/" + network.golden + "/";
  const auto classes = read_gray_png(source_file(folder + "argmax_" + std::to_string(k) + ".png"));
  EXPECT_GE(agreement(argmax, classes.values), 0.9999);

  const auto golden = read_npy_float(source_file(folder + "logits_" + std::to_string(k) + ".npy"));
  // Of a step the pixel in its middle is kept.
  const std::size_t step = network.step;
  ASSERT_EQ(golden.shape, (std::vector<std::size_t>{kClasses, kSize / step, kSize / step}));
  const auto [low, high] = std::ranges::minmax(golden.values);
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t c = 0; c < kClasses; ++c) {
    for (std::size_t y = step / 2; y < kSize; y += step) {
      for (std::size_t x = step / 2; x < kSize; x += step, ++at) {
        const double error = std::abs(double{logits[c * kPixels + y * kSize + x]} - double{golden.values[at]});
        worst = std::isnan(error) ? HUGE_VAL : std::max(worst, error);
      }
    }
  }
  EXPECT_LE(worst, tolerance * double{high - low});
  ::testing::Test::RecordProperty("relative_error_" + std::to_string(k),
                                  std::to_string(worst / double{high - low} * 1e6) + "e-6");
}

}  // namespace silhouette::test
