// Networks that are read from files and run by the plain interpreter, against results of PyTorch made by tools/export.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/hash_random.hpp"
#include "formats/pte/test_reading.hpp"
#include "graph/passes.hpp"
#include "graph/reference.hpp"
#include "support/support.hpp"
#include "synthesize/synthesize.hpp"

namespace silhouette::pte {
namespace {

using silhouette::test::read_bytes;
using silhouette::test::read_npy_float;
using silhouette::test::source_file;
using test::read_network;
using Dims = std::vector<std::int64_t>;

/// The input that PyTorch got: hash_random over the NCHW index.
std::vector<float> golden_input(const Dims& dims) {
  std::vector<float> input(static_cast<std::size_t>(graph::count(dims)));
  const bool planar = dims[1] == 3;
  const std::size_t pixels = input.size() / 3;
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_random(1000, planar ? i : i % 3 * pixels + i / 3);
  return input;
}

class TinyNetworks : public ::testing::TestWithParam<std::string> {};

TEST_P(TinyNetworks, AgreeWithPytorch) {
  const auto file = read_bytes(source_file("tests/data/models/" + GetParam() + ".pte"));
  const auto network = read_network(file, GetParam());
  ASSERT_TRUE(network) << network.error().message;
  const auto result = graph::evaluate(*network, golden_input(network->tensors[network->input].dims));
  ASSERT_TRUE(result) << result.error().message;
  const auto golden = read_npy_float(source_file("tests/golden/tiny/" + GetParam() + ".npy"));
  ASSERT_EQ(result->size(), golden.values.size());
  const Dims dims = network->tensors[network->output].dims;
  const bool planar = dims[1] == static_cast<std::int64_t>(golden.shape[1]);
  const std::size_t channels = golden.shape[1];
  const std::size_t pixels = result->size() / channels;
  for (std::size_t i = 0; i < result->size(); ++i) {
    const std::size_t at = planar ? i : i % pixels * channels + i / pixels;
    ASSERT_NEAR((*result)[at], golden.values[i], 1e-5) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, TinyNetworks,
                         ::testing::Values("tiny_plain", "tiny_single_channel", "tiny_stride", "tiny_two_outputs",
                                           "tiny_channels_last", "tiny_inline_constants", "tiny_clone"),
                         [](const auto& test) { return test.param; });

struct FullSize {
  std::string skeleton;
  std::string golden;
  std::size_t step;   // every how many pixels the golden logits are kept
  std::size_t steps;  // of the network after all passes
  bool slow;          // to interpret, so that only the rewritten network is
};

void PrintTo(const FullSize& network, std::ostream* out) {
  *out << network.skeleton;
}

class FullSizeNetworks : public ::testing::TestWithParam<FullSize> {
 protected:
  static void expect_golden(const graph::Graph& network) {
    EXPECT_EQ(network.tensors[network.input].dims, (Dims{1, 3, 224, 224}));
    EXPECT_EQ(network.tensors[network.output].dims, (Dims{1, 21, 224, 224}));
    const auto result = graph::evaluate(network, golden_input(network.tensors[network.input].dims));
    ASSERT_TRUE(result) << result.error().message;
    const auto golden = read_npy_float(source_file("tests/golden/" + GetParam().golden + "/logits_0.npy"));
    const auto [low, high] = std::ranges::minmax(golden.values);
    double worst = 0;
    std::size_t at = 0;
    for (std::size_t c = 0; c < 21; ++c) {
      for (std::size_t y = GetParam().step / 2; y < 224; y += GetParam().step) {
        for (std::size_t x = GetParam().step / 2; x < 224; x += GetParam().step, ++at)
          worst = std::max(worst, std::abs(double{(*result)[(c * 224 + y) * 224 + x]} - double{golden.values[at]}));
      }
    }
    EXPECT_EQ(at, golden.values.size());
    EXPECT_LE(worst, 1e-4 * double{high - low});
  }
};

TEST_P(FullSizeNetworks, AgreeWithPytorchBeforeAndAfterPasses) {
  const auto file = tools::synthesize(read_bytes(source_file("models/skeletons/" + GetParam().skeleton + ".skeleton")));
  ASSERT_TRUE(file) << file.error();
  auto network = read_network(*file, GetParam().skeleton);
  ASSERT_TRUE(network) << network.error().message;
  if (!GetParam().slow) expect_golden(*network);
  const std::int64_t work = graph::multiply_adds(*network);
  graph::optimize(*network);
  const auto sound = graph::verify(*network);
  ASSERT_TRUE(sound) << sound.error().message;
  EXPECT_LE(graph::multiply_adds(*network), work);
  EXPECT_EQ(network->nodes.size(), GetParam().steps) << graph::describe(*network);
  // It takes minutes for the largest network if it is instrumented.
  if (!GetParam().slow || !silhouette::test::kInstrumented) expect_golden(*network);
}

TEST(EmbeddedNetwork, IsTheSameAfterPasses) {
  const auto file = read_bytes(source_file("models/deeplab_v3_mobilenet_v2.pte"));
  auto network = read_network(file, "embedded");
  ASSERT_TRUE(network) << network.error().message;
  const auto input = golden_input(network->tensors[network->input].dims);
  const auto before = graph::evaluate(*network, input);
  graph::optimize(*network);
  const auto after = graph::evaluate(*network, input);
  ASSERT_TRUE(before && after);
  const auto [low, high] = std::ranges::minmax(*before);
  double worst = 0;
  for (std::size_t i = 0; i < before->size(); ++i)
    worst = std::max(worst, std::abs(double{(*before)[i]} - double{(*after)[i]}));
  EXPECT_LE(worst, 1e-5 * double{high - low});
}

INSTANTIATE_TEST_SUITE_P(
    Skeletons, FullSizeNetworks,
    ::testing::Values(FullSize{"deeplabv3_resnet50_224", "deeplabv3_resnet50_224", 4, 68, true},
                      FullSize{"deeplabv3_mobilenet_v3_large_224", "deeplabv3_mobilenet_v3_large_224", 8, 92, false},
                      FullSize{"lraspp_mobilenet_v3_large_224", "lraspp_mobilenet_v3_large_224", 4, 88, false},
                      FullSize{"lraspp_mobilenet_v3_large_224_et06", "lraspp_mobilenet_v3_large_224", 4, 88, false}),
    [](const auto& test) { return test.param.skeleton; });

}  // namespace
}  // namespace silhouette::pte
