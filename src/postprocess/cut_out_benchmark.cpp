// What makes a cut-out of a 12-megapixel photo from a network's small map.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/hash_random.hpp"
#include "postprocess/foreground_colors.hpp"
#include "postprocess/guided_filter.hpp"

namespace silhouette {
namespace {

constexpr int kWidth = 4000;
constexpr int kHeight = 3000;
constexpr int kMapSide = 256;

Image photo() {
  Image image = Image::create(kWidth, kHeight, 3).value();
  for (std::size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<std::uint8_t>(128 + 100 * hash_random(1, i));
  return image;
}

/// A disc with a soft edge.
std::vector<float> disc(int width, int height, float softness) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float distance = std::hypot(static_cast<float>(x) / static_cast<float>(width) - 0.5F,
                                        static_cast<float>(y) / static_cast<float>(height) - 0.5F);
      values.push_back(std::clamp(0.5F + (0.3F - distance) / softness, 0.0F, 1.0F));
    }
  }
  return values;
}

void refine(benchmark::State& state) {
  const auto map = disc(kMapSide, kMapSide, 0.02F);
  const Image guide = photo();
  ThreadPool pool(static_cast<int>(state.range(1)));
  for (auto _ : state) {
    auto alpha = guided_alpha({map, kMapSide, kMapSide}, guide, {.radius = static_cast<int>(state.range(0))}, pool, {});
    benchmark::DoNotOptimize(alpha);
  }
}

void foreground(benchmark::State& state) {
  const auto alpha = disc(kWidth, kHeight, 0.02F);
  Image image = photo();
  ThreadPool pool(static_cast<int>(state.range(1)));
  for (auto _ : state) {
    auto done = estimate_foreground(image, alpha, static_cast<int>(state.range(0)), pool, {});
    benchmark::DoNotOptimize(done);
  }
}

void set_up(benchmark::internal::Benchmark* benchmark) {
  benchmark->Unit(benchmark::kMillisecond)->UseRealTime()->ArgNames({"radius", "threads"});
  for (const int radius : {4, 47, 200}) {
    for (const int threads : {1, 2}) benchmark->Args({radius, threads});
  }
}

BENCHMARK(refine)->Apply(set_up);
BENCHMARK(foreground)->Apply(set_up);

}  // namespace
}  // namespace silhouette

BENCHMARK_MAIN();
