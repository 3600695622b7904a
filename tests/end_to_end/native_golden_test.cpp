// The native engine against PyTorch on every instruction set that this machine has, with different numbers of threads
// and in both memory modes; the large networks in some of these ways.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "base/file.hpp"
#include "base/hash_random.hpp"
#include "engine/native/native_engine.hpp"
#include "formats/model.hpp"
#include "support/golden.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::GoldenNetwork;

// One way through must do in instrumented builds.
constexpr bool kEveryWay = !test::kInstrumented;

std::unique_ptr<Engine> load(std::span<const std::byte> file, ThreadPool& pool, const NativeOptions& options) {
  auto model = formats::read_model(file, "golden");
  EXPECT_TRUE(model) << model.error().message;
  EXPECT_TRUE(model->graph) << model->graph.error().message;
  EXPECT_TRUE(model->contract) << model->contract.error().message;
  auto engine = create_native_engine(std::move(*model->graph), model->contract->shape, pool, options, "golden");
  EXPECT_TRUE(engine) << engine.error().message;
  return std::move(*engine);
}

class NativeGolden : public ::testing::TestWithParam<std::tuple<GoldenNetwork, std::string>> {
 protected:
  [[nodiscard]] static const kernels::Kernels* find(const std::string& name) {
    const auto list = kernels::available_kernels();
    const auto* const found = std::ranges::find(list, name, [](const auto* kernels) { return kernels->name; });
    return found == list.end() ? nullptr : *found;
  }
};

TEST_P(NativeGolden, AgreesWithPytorchInEveryWay) {
  const auto& [network, isa] = GetParam();
  const auto* const kernels = find(isa);
  if (kernels == nullptr) GTEST_SKIP() << "this machine has no " << isa;
  if (test::takes_minutes(network)) GTEST_SKIP() << "too slow under a sanitizer";
  const auto file = test::golden_model(network);
  const auto input = test::golden_input(network, 0);
  for (const bool low_memory : {false, true}) {
    if (network.large && low_memory && kernels != *kernels::available_kernels().begin()) return;
    std::vector<float> first;
    for (const int threads : {2, 1}) {
      if (network.large && threads == 1) continue;
      SCOPED_TRACE(fmt::format("{} threads{}", threads, low_memory ? ", low memory" : ""));
      ThreadPool pool(threads);
      const auto engine = load(file, pool, {.kernels = kernels, .low_memory = low_memory});
      const auto logits = engine->run(input, Tail::kWhole, {});
      ASSERT_TRUE(logits) << logits.error().message;
      const auto values = logits->values.span();
      if (first.empty()) {
        test::expect_golden(network, 0, values, 1e-3);
        first.assign(values.begin(), values.end());
        if (network.large) continue;
        const auto again = engine->run(input, Tail::kWhole, {});
        EXPECT_TRUE(std::ranges::equal(again->values.span(), first)) << "not the same from run to run";
      } else {
        EXPECT_TRUE(std::ranges::equal(values, first)) << "not the same with another number of threads";
      }
      if (!kEveryWay) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Skeletons, NativeGolden,
                         ::testing::Combine(::testing::ValuesIn(test::golden_networks()),
                                            ::testing::Values("avx512", "avx2", "portable")),
                         [](const auto& test) {
                           return std::get<0>(test.param).skeleton + "_" + std::get<1>(test.param);
                         });

INSTANTIATE_TEST_SUITE_P(Large, NativeGolden,
                         ::testing::Combine(::testing::ValuesIn(test::large_golden_networks()),
                                            ::testing::Values("avx512", "avx2")),
                         [](const auto& test) {
                           return std::get<0>(test.param).skeleton + "_" + std::get<1>(test.param);
                         });

// No golden logits of it are kept: its classes and probabilities are compared in golden_test.cpp. Here: that every way
// gives much the same.
TEST(NativeEmbedded, EveryWayAgrees) {
  const auto file = read_file(test::source_file("models/deeplab_v3_mobilenet_v2.pte"), 1ULL << 30);
  ASSERT_TRUE(file);
  std::vector<float> input(std::size_t{3} * 513 * 513);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = 2 * hash_random(7, i) - 1;
  std::vector<float> first;
  float range = 0;
  for (const auto* kernels : kernels::available_kernels()) {
    for (const bool low_memory : {false, true}) {
      ThreadPool pool(2);
      const auto engine = load(*file, pool, {.kernels = kernels, .low_memory = low_memory});
      const auto logits = engine->run(input, Tail::kWhole, {});
      ASSERT_TRUE(logits);
      const auto values = logits->values.span();
      if (first.empty()) {
        first.assign(values.begin(), values.end());
        const auto [low, high] = std::ranges::minmax(first);
        range = high - low;
      }
      float worst = 0;
      for (std::size_t i = 0; i < first.size(); ++i) worst = std::max(worst, std::abs(values[i] - first[i]));
      EXPECT_LE(worst, 1e-4F * range) << kernels->name << (low_memory ? " low" : "");
      if (!kEveryWay) return;
    }
  }
}

}  // namespace
}  // namespace silhouette
