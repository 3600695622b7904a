// make_class_maps beside the straightforward way to the same maps: resize every class's plane, softmax, argmax.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/hash_random.hpp"
#include "base/thread_pool.hpp"
#include "postprocess/columns.hpp"
#include "postprocess/postprocess.hpp"

namespace silhouette {
namespace {

/// Logits as networks make them: smooth, a few objects on background, every class somewhere between −8 and 12.
struct Logits {
  std::vector<float> values;
  LogitsView view;

  Logits(int channels, int height, int width, bool noise) {
    values.resize(static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
                  static_cast<std::size_t>(width));
    std::size_t i = 0;
    for (int c = 0; c < channels; ++c) {
      const auto seed = static_cast<std::uint64_t>(c);
      const float cx = hash_random(seed, 0);
      const float cy = hash_random(seed, 1);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x, ++i) {
          const float dx = 2.0F * static_cast<float>(x) / static_cast<float>(width) - 1.0F - cx;
          const float dy = 2.0F * static_cast<float>(y) / static_cast<float>(height) - 1.0F - cy;
          const float object = 14.0F * std::exp(-12.0F * (dx * dx + dy * dy)) - 4.0F;
          values[i] = noise ? 8.0F * hash_random(seed, i) : (c == 0 ? 5.0F : object) + 0.2F * hash_random(seed, i);
        }
      }
    }
    view = {values, channels, height, width};
  }
};

/// The straightforward way, with its loops over channels and rows shared out among the same threads.
std::vector<std::int32_t> straightforward(const LogitsView& logits, int width, int height, std::span<const int> classes,
                                          ThreadPool& pool, std::vector<std::vector<float>>& probabilities) {
  const std::size_t pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  const auto channels = static_cast<std::size_t>(logits.channels);
  std::vector<float> planes(channels * pixels);
  const float scale_x = static_cast<float>(logits.width) / static_cast<float>(width);
  const float scale_y = static_cast<float>(logits.height) / static_cast<float>(height);
  pool.parallel_for(channels, [&](std::size_t c, std::size_t) {
    const float* const source = logits.values.data() + c * static_cast<std::size_t>(logits.height * logits.width);
    float* const plane = planes.data() + c * pixels;
    for (int y = 0; y < height; ++y) {
      const float sy = std::max(0.0F, scale_y * (static_cast<float>(y) + 0.5F) - 0.5F);
      const int y0 = std::min(static_cast<int>(sy), logits.height - 1);
      const float v = sy - static_cast<float>(y0);
      const float* const top = source + y0 * logits.width;
      const float* const bottom = source + std::min(y0 + 1, logits.height - 1) * logits.width;
      for (int x = 0; x < width; ++x) {
        const float sx = std::max(0.0F, scale_x * (static_cast<float>(x) + 0.5F) - 0.5F);
        const int x0 = std::min(static_cast<int>(sx), logits.width - 1);
        const int x1 = std::min(x0 + 1, logits.width - 1);
        const float u = sx - static_cast<float>(x0);
        plane[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)] =
            (1 - v) * ((1 - u) * top[x0] + u * top[x1]) + v * ((1 - u) * bottom[x0] + u * bottom[x1]);
      }
    }
  });
  std::vector<std::int32_t> argmax(pixels);
  for (auto& map : probabilities) map.resize(pixels);
  const auto row = static_cast<std::size_t>(width);
  pool.parallel_for(static_cast<std::size_t>(height), [&](std::size_t y, std::size_t) {
    std::vector<float> best(row, -INFINITY);
    std::vector<float> sum(row, 0.0F);
    for (std::size_t c = 0; c < channels; ++c) {
      const float* const plane = planes.data() + c * pixels + y * row;
      for (std::size_t x = 0; x < row; ++x) {
        if (plane[x] > best[x]) {
          best[x] = plane[x];
          argmax[y * row + x] = static_cast<std::int32_t>(c);
        }
      }
    }
    if (classes.empty()) return;
    for (std::size_t c = 0; c < channels; ++c) {
      float* const plane = planes.data() + c * pixels + y * row;
      for (std::size_t x = 0; x < row; ++x) {
        plane[x] = std::exp(plane[x] - best[x]);
        sum[x] += plane[x];
      }
    }
    for (std::size_t k = 0; k < classes.size(); ++k) {
      const float* const plane = planes.data() + static_cast<std::size_t>(classes[k]) * pixels + y * row;
      for (std::size_t x = 0; x < row; ++x) probabilities[k][y * row + x] = plane[x] / sum[x];
    }
  });
  return argmax;
}

/// Arguments: channels, logits' side, width, height, classes of interest, noise instead of objects, threads.
void class_maps(benchmark::State& state) {
  const auto arg = [&](std::size_t i) { return static_cast<int>(state.range(i)); };
  const Logits logits(arg(0), arg(1), arg(1), arg(5) != 0);
  std::vector<int> classes;
  for (int c = 0; c < arg(4); ++c) classes.push_back(c);
  ThreadPool pool(arg(6));
  for (auto _ : state) {
    auto maps = make_class_maps(logits.view, arg(2), arg(3), classes, pool, {});
    benchmark::DoNotOptimize(maps);
  }
}

void straightforward_class_maps(benchmark::State& state) {
  const auto arg = [&](std::size_t i) { return static_cast<int>(state.range(i)); };
  const Logits logits(arg(0), arg(1), arg(1), arg(5) != 0);
  std::vector<int> classes;
  for (int c = 0; c < arg(4); ++c) classes.push_back(c);
  ThreadPool pool(arg(6));
  for (auto _ : state) {
    std::vector<std::vector<float>> probabilities(classes.size());
    auto argmax = straightforward(logits.view, arg(2), arg(3), classes, pool, probabilities);
    benchmark::DoNotOptimize(argmax.data());
  }
}

/// Every row of every channel, as PyTorch's `interpolate(align_corners=True)`.
std::vector<float> upsampled(const LogitsView& logits, ThreadPool& pool) {
  const int width = logits.pending->width;
  const int height = logits.pending->height;
  const auto plane = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  const Axis rows = make_axis(logits.height, height, true);
  const Axis columns = make_axis(logits.width, width, true);
  std::vector<float> values(plane * static_cast<std::size_t>(logits.channels));
  pool.parallel_for(static_cast<std::size_t>(logits.channels), [&](std::size_t c, std::size_t) {
    std::vector<float> row(static_cast<std::size_t>(logits.width) + 1);
    const float* const source = logits.values.data() + c * static_cast<std::size_t>(logits.height * logits.width);
    float* out = values.data() + c * plane;
    for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
      const float* const top = source + rows.index[y] * logits.width;
      const float* const bottom = source + std::min(rows.index[y] + 1, logits.height - 1) * logits.width;
      for (std::size_t x = 0; x + 1 < row.size(); ++x) row[x] = top[x] + rows.weight[y] * (bottom[x] - top[x]);
      row.back() = row[row.size() - 2];
      for (std::size_t x = 0; x < static_cast<std::size_t>(width); ++x) {
        const float* const left = row.data() + columns.index[x];
        *out++ = left[0] + columns.weight[x] * (left[1] - left[0]);
      }
    }
  });
  return values;
}

enum class Tail { kPending, kMaterialised, kUpsampledHere };

/// The last upsampling of a network (aligned corners) left to make_class_maps, done before, or done here. Arguments:
/// channels, values' side, logits' side, width, height, classes of interest, threads.
template <Tail kTail>
void tail(benchmark::State& state) {
  const auto arg = [&](std::size_t i) { return static_cast<int>(state.range(i)); };
  Logits logits(arg(0), arg(1), arg(1), false);
  logits.view.pending = Upsampling{arg(2), arg(2), true};
  std::vector<int> classes;
  for (int c = 0; c < arg(5); ++c) classes.push_back(c);
  ThreadPool pool(arg(6));
  const std::vector<float> made = upsampled(logits.view, pool);
  for (auto _ : state) {
    std::vector<float> made_here;
    LogitsView view = logits.view;
    if (kTail == Tail::kMaterialised) view = {made, arg(0), arg(2), arg(2)};
    if (kTail == Tail::kUpsampledHere) {
      made_here = upsampled(logits.view, pool);
      view = {made_here, arg(0), arg(2), arg(2)};
    }
    auto maps = make_class_maps(view, arg(3), arg(4), classes, pool, {});
    benchmark::DoNotOptimize(maps);
  }
}

void set_up(benchmark::internal::Benchmark* benchmark) {
  benchmark->Unit(benchmark::kMillisecond)
      ->UseRealTime()
      ->Repetitions(10)
      ->MinTime(0.01)
      ->ReportAggregatesOnly()
      ->ComputeStatistics("min", [](const std::vector<double>& values) { return *std::ranges::min_element(values); });
}

/// What is compared: twelve megapixels, as `resize` asks for; and a model's own small output.
void compared_cases(benchmark::internal::Benchmark* benchmark) {
  set_up(benchmark);
  benchmark->ArgNames({"channels", "side", "width", "height", "classes", "noise", "threads"});
  for (const int classes : {0, 2}) {
    benchmark->Args({21, 513, 4000, 3000, classes, 0, 2});
    benchmark->Args({21, 28, 224, 224, classes, 0, 2});
  }
}

/// Noise has no cell that one class wins; the widths take every ColumnMode.
void other_cases(benchmark::internal::Benchmark* benchmark) {
  set_up(benchmark);
  benchmark->ArgNames({"channels", "side", "width", "height", "classes", "noise", "threads"});
  for (const int classes : {0, 2}) {
    benchmark->Args({21, 513, 4000, 3000, classes, 0, 1});
    benchmark->Args({21, 513, 4000, 3000, classes, 1, 2});
    benchmark->Args({1, 256, 4000, 3000, classes, 0, 2});
    benchmark->Args({21, 513, 513, 513, classes, 0, 2});
    benchmark->Args({21, 513, 640, 480, classes, 0, 2});
    benchmark->Args({21, 513, 480, 640, classes, 0, 2});
    benchmark->Args({21, 513, 200, 200, classes, 0, 2});
  }
}

void tail_cases(benchmark::internal::Benchmark* benchmark) {
  set_up(benchmark);
  benchmark->ArgNames({"channels", "side", "pending", "width", "height", "classes", "threads"});
  for (const int classes : {0, 2}) {
    benchmark->Args({21, 33, 513, 513, 513, classes, 2});
    benchmark->Args({21, 33, 513, 4000, 3000, classes, 2});
  }
}

BENCHMARK(class_maps)->Apply(compared_cases);
BENCHMARK(straightforward_class_maps)->Apply(compared_cases);
BENCHMARK(class_maps)->Apply(other_cases);
BENCHMARK(tail<Tail::kPending>)->Apply(tail_cases);
BENCHMARK(tail<Tail::kMaterialised>)->Apply(tail_cases);
BENCHMARK(tail<Tail::kUpsampledHere>)->Apply(tail_cases);

}  // namespace
}  // namespace silhouette

BENCHMARK_MAIN();
