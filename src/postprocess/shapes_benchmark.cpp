// Run lengths and polygons of one class of a 12-megapixel class map, on one thread.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "postprocess/polygons.hpp"
#include "postprocess/rle.hpp"

namespace silhouette {
namespace {

constexpr int kWidth = 4000;
constexpr int kHeight = 3000;

/// Two classes with outlines as wavy as objects have, or a checkerboard.
std::vector<std::int32_t> class_map(bool ragged) {
  std::vector<std::int32_t> classes;
  classes.reserve(std::size_t{kWidth} * kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const double wave = std::sin(x * 0.011) * std::cos(y * 0.013) + 0.3 * std::sin(x * 0.07 + y * 0.05);
      classes.push_back(ragged ? (x + y) % 2 : wave > 0.3 ? 1 : 0);
    }
  }
  return classes;
}

void encode(benchmark::State& state) {
  const auto classes = class_map(state.range(0) != 0);
  for (auto _ : state) benchmark::DoNotOptimize(class_rle(classes, kWidth, kHeight, 1));
}

void decode(benchmark::State& state) {
  const auto rle = class_rle(class_map(state.range(0) != 0), kWidth, kHeight, 1).value();
  for (auto _ : state) benchmark::DoNotOptimize(decode_rle(rle));
}

void compress(benchmark::State& state) {
  const auto rle = class_rle(class_map(state.range(0) != 0), kWidth, kHeight, 1).value();
  for (auto _ : state) benchmark::DoNotOptimize(rle.compressed());
}

void outline(benchmark::State& state) {
  const auto classes = class_map(state.range(0) != 0);
  const PolygonOptions options{
      .tolerance = static_cast<double>(state.range(1)), .max_corners = 100'000'000, .max_points = 100'000'000};
  for (auto _ : state) benchmark::DoNotOptimize(class_polygons(classes, kWidth, kHeight, 1, options));
}

BENCHMARK(encode)->ArgName("ragged")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(compress)->ArgName("ragged")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(decode)->ArgName("ragged")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(outline)->ArgNames({"ragged", "tolerance"})->ArgsProduct({{0, 1}, {0, 1}})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace silhouette

BENCHMARK_MAIN();
