// One side of `./dev bench --peers`, in a process of its own: runs what bench/peers/compare.py asks for. Commands come
// a line each on standard input and are answered by a line of JSON each on standard output; contender.py speaks the
// same.
//
//   input FILE     takes the file as input
//   run COUNT      runs so often: {"ms": […]}
//   output FILE    writes the last result's bytes
//   memory         {"rss_mb": resident, "peak_mb": most there ever was, 10⁶ bytes}
//
// It begins with {"name", "load_ms", "idle_mb": resident memory before loading}. A failure is {"error"}, and the end.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "contender.hpp"

namespace silhouette::bench {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kUsage =
    "usage: silhouette_contender network|photo auto|native|native-low|executorch|executorch-alone MODEL THREADS\n";

constexpr std::array<std::string_view, 4> kEngines{"auto", "native", "native-low", "executorch"};

struct Task {
  bool photo = false;
  std::string engine;
  std::string model;
  int threads = 0;
};

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// A size in kB that /proc/self/status tells, in millions of bytes.
double memory_megabytes(std::string_view key) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with(key)) return std::strtod(line.c_str() + key.size(), nullptr) * 1024 / 1e6;
  }
  return 0;
}

template <typename T>
std::optional<T> parse(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Task> parse_task(const std::vector<std::string>& arguments) {
  if (arguments.size() != 4) return std::nullopt;
  const auto& engine = arguments[1];
  const auto threads = parse<int>(arguments[3]);
  if ((arguments[0] != "network" && arguments[0] != "photo") || !threads || *threads < 1 || *threads > 256) {
    return std::nullopt;
  }
  const bool photo = arguments[0] == "photo";
  if (std::ranges::find(kEngines, engine) == kEngines.end() && (engine != "executorch-alone" || photo)) {
    return std::nullopt;
  }
  return Task{.photo = photo, .engine = engine, .model = arguments[2], .threads = *threads};
}

Result<std::unique_ptr<Contender>> load(const Task& task) {
  if (task.engine == "executorch-alone") {
#ifdef SILHOUETTE_WITH_EXECUTORCH
    return make_executorch_contender(task.model, task.threads);
#else
    return fail(ErrorCode::kInvalidArgument, "this build is without ExecuTorch; configure -DSILHOUETTE_EXECUTORCH=ON");
#endif
  }
  LoadOptions options;
  if (task.engine == "executorch") options.engine = EngineChoice::kExecutorch;
  if (task.engine.starts_with("native")) options.engine = EngineChoice::kNative;
  if (task.engine == "native-low") options.memory = MemoryUse::kLow;
  options.threads = task.threads;
  return task.photo ? make_photo_contender(task.model, options) : make_network_contender(task.model, options);
}

Result<Json> obey(Contender& contender, std::string_view command, const std::string& argument) {
  if (command == "input") {
    if (auto set = contender.set_input(argument); !set) return std::unexpected(std::move(set.error()));
    return Json::object();
  }
  if (command == "run") {
    const auto count = parse<int>(argument);
    if (!count || *count < 1) return fail(ErrorCode::kInvalidArgument, fmt::format("run '{}': no count", argument));
    std::vector<double> times;
    for (int i = 0; i < *count; ++i) {
      const auto start = std::chrono::steady_clock::now();
      auto ran = contender.run();
      times.push_back(milliseconds_since(start));
      if (!ran) return std::unexpected(std::move(ran.error()));
    }
    return Json{{"ms", times}};
  }
  if (command == "output") {
    if (auto written = write_file_atomically(argument, contender.output()); !written) {
      return std::unexpected(std::move(written.error()));
    }
    return Json::object();
  }
  if (command == "memory") return Json{{"rss_mb", memory_megabytes("VmRSS:")}, {"peak_mb", memory_megabytes("VmHWM:")}};
  return fail(ErrorCode::kInvalidArgument, fmt::format("unknown command '{}'", command));
}

void answer(const Json& json) {
  std::cout << json.dump() << '\n' << std::flush;
}

int serve(const std::vector<std::string>& arguments) {
  const auto task = parse_task(arguments);
  if (!task) {
    std::cerr << kUsage;
    return 2;
  }
  const double idle = memory_megabytes("VmRSS:");
  const auto start = std::chrono::steady_clock::now();
  const auto contender = load(*task);
  const double load_ms = milliseconds_since(start);
  if (!contender) {
    answer({{"error", contender.error().message}});
    return 1;
  }
  answer({{"name", (*contender)->name()}, {"load_ms", load_ms}, {"idle_mb", idle}});
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto space = line.find(' ');
    const auto argument = space == line.npos ? std::string() : line.substr(space + 1);
    const auto result = obey(**contender, std::string_view(line).substr(0, space), argument);
    if (!result) {
      answer({{"error", result.error().message}});
      return 1;
    }
    answer(*result);
  }
  return 0;
}

}  // namespace
}  // namespace silhouette::bench

int main(int argc, char** argv) {
  return silhouette::bench::serve({argv + 1, argv + argc});
}
