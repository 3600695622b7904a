// Kernels alone, on one thread and on data in the first two caches: what they reach of the processor's measured peak.
#include "kernels/kernels.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/fma_peak.hpp"
#include "base/hash_random.hpp"

namespace silhouette {
namespace {

using kernels::Kernels;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr kernels::Epilogue kNothing{.function = kernels::Function::kNone, .min = -kInfinity, .max = kInfinity};

AlignedBuffer<float> random_floats(std::size_t count) {
  auto buffer = AlignedBuffer<float>::create(count, "a benchmark").value();
  for (std::size_t i = 0; i < count; ++i) buffer[i] = hash_random(1, i);
  return buffer;
}

/// Zero where nobody knows: kernels for any machine.
double peak_gflops(const Kernels& k) {
  for (const FmaWidth width : kFmaWidths) {
    if (fma_width_name(width) != k.name) continue;
    static std::vector<std::pair<FmaWidth, double>> measured;
    for (const auto& [known, peak] : measured) {
      if (known == width) return peak;
    }
    measured.emplace_back(width, measure_fma_peak(width, 1).value_or(0));
    return measured.back().second;
  }
  return 0;
}

void report(benchmark::State& state, const Kernels& k, double multiply_adds) {
  const double flops = 2 * multiply_adds * static_cast<double>(state.iterations());
  state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsRate);
  if (const double peak = peak_gflops(k); peak > 0) {
    state.counters["of_peak"] = benchmark::Counter(flops / peak / 1e9, benchmark::Counter::kIsRate);
  }
}

/// Twenty tiles below each other, times one panel.
void tiles(benchmark::State& state, const Kernels& k, std::size_t blocks, std::size_t rows, std::size_t depth) {
  constexpr std::size_t kTiles = 20;
  const std::size_t all = kTiles * rows;
  const auto a = random_floats(all * depth + 4 * rows * k.block);
  const auto b = random_floats(depth * blocks * k.block);
  auto c = random_floats(all * blocks * k.block);
  const auto bias = random_floats(blocks * k.block);
  const kernels::DepthPart part;
  kernels::Tile tile;
  tile.row_stride = static_cast<std::ptrdiff_t>(k.block);
  tile.parts = &part;
  tile.part_count = 1;
  tile.chunks = depth / k.block;
  tile.chunk_stride = static_cast<std::ptrdiff_t>(all * k.block);
  tile.chunk_length = k.block;
  tile.b = b.data();
  tile.c_row_stride = static_cast<std::ptrdiff_t>(k.block);
  tile.c_block_stride = static_cast<std::ptrdiff_t>(all * k.block);
  tile.bias = bias.data();
  tile.epilogue = kNothing;
  for (auto _ : state) {
    tile.a = a.data();
    tile.c = c.data();
    for (std::size_t i = 0; i < kTiles; ++i) {
      k.packed[blocks - 1][rows - 1](tile);
      tile.a += rows * k.block;
      tile.c += rows * k.block;
    }
    benchmark::ClobberMemory();
  }
  report(state, k, static_cast<double>(all * depth * blocks * k.block));
}

void depthwise(benchmark::State& state, const Kernels& k, std::size_t kernel, std::ptrdiff_t stride, bool two_rows) {
  constexpr std::ptrdiff_t kWidth = 60;
  const std::ptrdiff_t input_width = kWidth * stride + static_cast<std::ptrdiff_t>(kernel) - 1;
  const auto line = static_cast<std::size_t>(input_width) * k.block;
  const auto input = random_floats(line * (kernel + 1));
  const auto weights = random_floats(kernel * kernel * k.block);
  auto output = random_floats(2 * kWidth * k.block);
  std::vector<const float*> rows;
  for (std::size_t i = 0; i <= kernel; ++i) rows.push_back(input.data() + i * line);
  kernels::DepthwiseRow row;
  row.rows = rows.data();
  row.kernel_height = row.kernel_width = kernel;
  row.input_width = input_width;
  row.output_width = kWidth;
  row.stride = stride;
  row.weights = weights.data();
  row.bias = weights.data();
  row.output = output.data();
  row.second = two_rows ? output.data() + kWidth * k.block : nullptr;
  row.epilogue = kNothing;
  for (auto _ : state) {
    k.depthwise(row);
    benchmark::ClobberMemory();
  }
  report(state, k,
         static_cast<double>((two_rows ? 2 : 1) * static_cast<std::size_t>(kWidth) * kernel * kernel * k.block));
}

void resize_to_planes(benchmark::State& state, const Kernels& k) {
  constexpr std::size_t kFrom = 33;
  constexpr std::size_t kTo = 512;
  const auto input = random_floats(2 * kFrom * k.block);
  auto output = random_floats(k.block * kTo);
  std::vector<std::int32_t> left;
  std::vector<std::int32_t> right;
  std::vector<float> weights;
  for (std::size_t x = 0; x < kTo; ++x) {
    left.push_back(static_cast<std::int32_t>(x * (kFrom - 1) / kTo));
    right.push_back(left.back() + 1);
    weights.push_back(0.3F);
  }
  const kernels::ResizePlanesRow row{.top = input.data(),
                                     .bottom = input.data() + kFrom * k.block,
                                     .weight_bottom = 0.6F,
                                     .input_width = kFrom,
                                     .left = left.data(),
                                     .right = right.data(),
                                     .weight_right = weights.data(),
                                     .output_width = kTo,
                                     .output = output.data(),
                                     .plane = kTo,
                                     .channels = k.block};
  for (auto _ : state) {
    k.resize_planes(row);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kTo * k.block * sizeof(float)));
}

void winograd_lines(benchmark::State& state, const Kernels& k, kernels::LineType type, bool input) {
  constexpr std::size_t kPixels = 28;
  constexpr std::size_t kMostLines = 16;
  const std::size_t line = kPixels * k.block;
  const auto from = random_floats(kMostLines * line);
  auto to = random_floats(kMostLines * line);
  std::array<const float*, kMostLines> inputs{};
  std::array<float*, kMostLines> outputs{};
  for (std::size_t i = 0; i < kMostLines; ++i) {
    inputs[i] = from.data() + i * line;
    outputs[i] = to.data() + i * line;
  }
  const kernels::LineTransform transform{.inputs = inputs.data(),
                                         .outputs = outputs.data(),
                                         .pixels = kPixels,
                                         .input_step = static_cast<std::ptrdiff_t>(k.block),
                                         .output_step = static_cast<std::ptrdiff_t>(k.block),
                                         .epilogue = kNothing};
  const auto kernel = (input ? k.winograd_input : k.winograd_output)[static_cast<std::size_t>(type)];
  for (auto _ : state) {
    kernel(transform);
    benchmark::ClobberMemory();
  }
  // Six lines in or out, as many out or four.
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>((input ? 12 : 10) * line * sizeof(float)));
}

void add(const Kernels& k) {
  const auto name = [&](const std::string& what) { return fmt::format("{}/{}", k.name, what); };
  for (std::size_t blocks = 1; blocks <= 2; ++blocks) {
    for (const std::size_t depth : {std::size_t{16}, std::size_t{64}, k.depth}) {
      for (const std::size_t rows : {k.tile_rows[blocks - 1], k.tile_rows[blocks - 1] / 2, std::size_t{1}}) {
        const std::string label = name(fmt::format("tile/{}x{}x{}", rows, blocks * k.block, depth));
        benchmark::RegisterBenchmark(
            label.c_str(), [&k, blocks, rows, depth](benchmark::State& s) { tiles(s, k, blocks, rows, depth); });
      }
    }
  }
  for (const std::size_t kernel : {std::size_t{3}, std::size_t{5}}) {
    for (const int kind : {0, 1, 2}) {
      const std::ptrdiff_t stride = kind == 2 ? 2 : 1;
      const std::string label =
          name(fmt::format("depthwise/{0}x{0}_s{1}{2}", kernel, stride, kind == 0 ? "_two_rows" : ""));
      benchmark::RegisterBenchmark(label.c_str(), [&k, kernel, stride, kind](benchmark::State& s) {
        depthwise(s, k, kernel, stride, kind == 0);
      });
    }
  }
  for (const bool input : {true, false}) {
    benchmark::RegisterBenchmark(
        name(input ? "winograd_f4/input" : "winograd_f4/output").c_str(),
        [&k, input](benchmark::State& s) { winograd_lines(s, k, kernels::LineType::kF4, input); });
  }
  benchmark::RegisterBenchmark(name("resize_to_planes").c_str(), [&k](benchmark::State& s) { resize_to_planes(s, k); });
}

}  // namespace
}  // namespace silhouette

int main(int argc, char** argv) {
  for (const auto* kernels : silhouette::kernels::available_kernels()) silhouette::add(*kernels);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
