#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "command.hpp"
#include "exit_codes.hpp"
#include "format.hpp"
#include "json.hpp"
#include "model_options.hpp"
#include "silhouette/model_cache.hpp"

namespace silhouette::cli {
namespace {

constexpr int kWarmUps = 2;

struct Options {
  ModelOptions model;
  int runs = 20;
  bool json = false;
  bool profile = false;
};

struct Measured {
  int threads = 0;
  double load_ms = 0;
  double min_ms = 0;
  double median_ms = 0;
  double rss_mb = 0;
};

double milliseconds_of(auto&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// The same numbers on every machine, spread over the range of normalised pixels (Knuth's MMIX generator).
std::vector<float> make_input(std::size_t size) {
  std::vector<float> input(size);
  std::uint64_t state = 1;
  for (float& value : input) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    value = static_cast<float>(state >> 40U) * 0x1p-23F - 1.0F;
  }
  return input;
}

/// Resident memory of this process in millions of bytes, 0 where the system doesn't tell.
double resident_megabytes() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) * 1024 / 1e6;
  }
  return 0;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

std::string profile_text(const NetworkProfile& profile) {
  std::string text = fmt::format("{:>10} {:>7} {:>9} {:>8} {:>6}  step\n", "ms", "share", "GMAC", "GFLOP/s", "peak");
  double total = 0;
  std::int64_t multiply_adds = 0;
  for (const StepTime& step : profile.steps) {
    total += step.milliseconds;
    multiply_adds += step.multiply_adds;
  }
  const auto line = [&](const std::string& name, double ms, std::int64_t work) {
    const double gflops = ms > 0 ? 2e-6 * static_cast<double>(work) / ms : 0;
    text += fmt::format("{:10.3f} {:6.1f}% {:9.4f}", ms, total > 0 ? 100 * ms / total : 0,
                        static_cast<double>(work) * 1e-9);
    if (work == 0) {
      text += fmt::format(" {:>8} {:>6}", "-", "-");
    } else {
      const double peak = profile.peak_gflops > 0 ? 100 * gflops / profile.peak_gflops : 0;
      text += fmt::format(" {:8.1f} {:5.1f}%", gflops, peak);
    }
    text += fmt::format("  {}\n", name);
  };
  for (const StepTime& step : profile.steps) line(step.name, step.milliseconds, step.multiply_adds);
  line(fmt::format("all steps; measured peak {:.1f} GFLOP/s with {} threads", profile.peak_gflops, profile.threads),
       total, multiply_adds);
  return text;
}

int run_profile(const ImageSegmentationModule& module, const Options& options, std::span<const float> input,
                Context& context) {
  Console& console = context.console;
  const auto profile = module.profile_network(input, options.runs, context.signals.token());
  if (!profile) return console.fail(profile.error());
  if (!options.json) {
    console.out(profile_text(*profile));
    return kExitOk;
  }
  Json steps = Json::array();
  for (const StepTime& step : profile->steps) {
    steps.push_back(Json({{"name", step.name}, {"min_ms", step.milliseconds}, {"multiply_adds", step.multiply_adds}}));
  }
  console.out(
      Json({{"threads", profile->threads}, {"peak_gflops", profile->peak_gflops}, {"steps", steps}}).indented());
  return kExitOk;
}

int run_bench(const Options& options, Context& context) {
  Console& console = context.console;
  const auto stop = context.signals.token();
  ImageSegmentationModule module;
  Measured measured;
  // The download is none of the loading that is measured.
  console.progress().begin("loading " + options.model.model);
  const auto file = fetch_model(
      options.model.model, options.model.cache, [&](double fraction) { console.progress().update(fraction); }, stop);
  console.progress().end();
  if (!file) return console.fail(file.error());
  Result<ModelDescription> model;
  measured.load_ms = milliseconds_of([&] { model = load_model(module, options.model, console, stop); });
  if (!model) return console.fail(model.error());
  measured.threads = model->threads;

  const auto input = make_input(std::size_t{3} * static_cast<std::size_t>(model->input_width) *
                                static_cast<std::size_t>(model->input_height));
  if (options.profile) return run_profile(module, options, input, context);
  std::vector<double> times;
  console.progress().begin("measuring " + options.model.model);
  for (int i = -kWarmUps; i < options.runs; ++i) {
    Result<std::vector<float>> output;
    const double time = milliseconds_of([&] { output = module.run_network(input, stop); });
    if (!output) return console.fail(output.error());
    if (stop.stop_requested()) return console.fail({ErrorCode::kCancelled, "cancelled"});
    if (i >= 0) times.push_back(time);
    console.progress().update(static_cast<double>(i + kWarmUps + 1) / (options.runs + kWarmUps));
  }
  console.progress().end();
  measured.rss_mb = resident_megabytes();
  measured.min_ms = std::ranges::min(times);
  measured.median_ms = median(times);

  if (options.json) {
    console.out(Json({{"model", model->source},
                      {"engine", model->engine},
                      {"engine_reason", model->engine_reason},
                      {"instructions", model->instructions},
                      {"input_width", model->input_width},
                      {"input_height", model->input_height},
                      {"threads", measured.threads},
                      {"runs", options.runs},
                      {"min_ms", measured.min_ms},
                      {"median_ms", measured.median_ms},
                      {"load_ms", measured.load_ms},
                      {"rss_mb", measured.rss_mb}})
                    .indented());
    return kExitOk;
  }
  console.out(fmt::format("{}, {} × {}, engine {}, {}, {} {}\n", printable(model->source), model->input_width,
                          model->input_height, model->engine, model->instructions, measured.threads,
                          measured.threads == 1 ? "thread" : "threads"));
  console.out(fmt::format("  network  {:8.2f} ms minimum, {:.2f} ms median of {}\n", measured.min_ms,
                          measured.median_ms, options.runs));
  console.out(
      fmt::format("  loading  {:8.2f} ms\n  memory   {:8.1f} MB resident\n", measured.load_ms, measured.rss_mb));
  return kExitOk;
}

constexpr std::string_view kFooter =
    R"(Runs the network alone, without images, on a fixed input: twice to warm up, then RUNS times. The JSON has engine,
instructions, threads, runs, min_ms, median_ms, load_ms (of a file that is on this machine), rss_mb (resident memory at the end,
10⁶ bytes) and what identifies the model.

Examples:
  silhouette bench
  silhouette bench DEEPLAB_V3_RESNET50 --threads 2 --runs 50
  silhouette bench my.pte --engine executorch --json
  silhouette bench --profile)";

}  // namespace

void add_bench(Arguments& program) {
  const auto options = std::make_shared<Options>();
  Arguments& command = program.add_command("bench", "Measure a model's network");
  command.add_text("MODEL", "", options->model.model, "Name, file or URL [DEEPLAB_V3_MOBILENET_V2_EMBEDDED]");
  command.add_number("--runs", "N", options->runs, 1, 1'000'000, "How often it is run [20]");
  command.add_flag("--json", options->json, "Print the result as JSON");
  command.add_flag("--profile", options->profile,
                   "Native engine: what each step takes (the least of RUNS), GFLOP/s, share of the measured peak");
  add_engine_options(command, options->model);
  command.set_footer(kFooter);
  command.set_run([options](Context& context) { return run_bench(*options, context); });
}

}  // namespace silhouette::cli
