#include "model_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "files.hpp"
#include "format.hpp"
#include "numbers.hpp"

namespace silhouette::cli {
namespace {

constexpr std::uint64_t kMaxLabelsBytes = 1 << 20;
constexpr std::size_t kShownValue = 120;

/// Whether text is three numbers that are written with commas for points: "0,5,0,5,0,5", "0,5;0,5;0,5".
bool has_decimal_commas(std::string_view text) {
  if (text.find_first_not_of("0123456789,") == text.npos) return std::ranges::count(text, ',') == 5;
  return std::ranges::any_of(std::string_view("; "), [&](char separator) {
    const auto parts = split(text, separator);
    return parts.size() == 3 && std::ranges::all_of(parts, has_decimal_comma);
  });
}

Result<std::array<float, 3>> parse_triple(std::string_view option, const std::string& text) {
  std::array<float, 3> triple{};
  const auto parts = split(text, ',');
  for (std::size_t i = 0; i < triple.size(); ++i) {
    const auto value = parts.size() == triple.size() ? parse_decimal(parts[i]) : std::nullopt;
    if (value && std::abs(*value) <= std::numeric_limits<float>::max()) {
      triple[i] = static_cast<float>(*value);
      continue;
    }
    const auto* const what =
        has_decimal_commas(text) ? "write decimal points, not commas" : "give three numbers for red, green and blue";
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} '{}': {}, as in 0.485,0.456,0.406", option, shorten(text, kShownValue), what));
  }
  return triple;
}

Result<std::vector<std::string>> read_labels(const std::string& path) {
  auto text = read_text_file(path, kMaxLabelsBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  if (text->starts_with("\xFF\xFE") || text->starts_with("\xFE\xFF") || text->contains('\0')) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("--labels '{}': it isn't UTF-8 text; save it as that", path));
  }
  std::vector<std::string> labels;
  for (const auto line : split(*text, '\n')) labels.emplace_back(line);
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  if (labels.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--labels '{}': the file is empty; give one label a line", path));
  }
  return labels;
}

Result<LoadOptions> load_options(const ModelOptions& options, std::stop_token stop) {
  LoadOptions load;
  if (options.engine == "native") load.engine = EngineChoice::kNative;
  if (options.engine == "executorch") load.engine = EngineChoice::kExecutorch;
  if (options.memory == "low") load.memory = MemoryUse::kLow;
  load.keep_packed_weights = options.keep_packed;
  load.threads = options.threads;
  load.cache_directory = options.cache;
  load.stop = std::move(stop);
  if (options.mean.empty() != options.std.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--mean and --std belong together; give both");
  }
  if (!options.mean.empty()) {
    const auto mean = parse_triple("--mean", options.mean);
    if (!mean) return std::unexpected(mean.error());
    const auto deviation = parse_triple("--std", options.std);
    if (!deviation) return std::unexpected(deviation.error());
    load.normalization = Normalization{.mean = *mean, .std = *deviation};
  }
  if (!options.labels.empty()) {
    auto labels = read_labels(options.labels);
    if (!labels) return std::unexpected(std::move(labels.error()));
    load.labels = std::move(*labels);
  }
  return load;
}

}  // namespace

void add_cache_option(Arguments& command, std::string& cache) {
  command.add_text(
      "--cache", "DIR", cache,
      "Folder for downloaded models [$SILHOUETTE_CACHE, $XDG_CACHE_HOME/silhouette or ~/.cache/silhouette]");
}

void add_engine_options(Arguments& command, ModelOptions& options) {
  command.add_choice("--engine", "NAME", options.engine, {"auto", "native", "executorch"},
                     "What runs the network: auto, native or executorch [auto]");
  command.add_choice("--memory", "USE", options.memory, {"default", "low"},
                     "Native engine: default, or low for weights as small as the file's at some speed [default]");
  command.add_flag("--keep-packed", options.keep_packed,
                   "Native engine: keep packed weights in the cache folder, so that the next load takes milliseconds");
  command.add_number("--threads", "N", options.threads, 0, 256, "Threads to use, 0 for one per processor [0]");
  add_cache_option(command, options.cache);
}

void add_metadata_options(Arguments& command, ModelOptions& options) {
  command.add_text("--mean", "R,G,B", options.mean,
                   "Normalisation of red, green and blue on the scale 0…1 [the model's]");
  command.add_text("--std", "R,G,B", options.std, "Likewise; goes with --mean");
  command.add_text("--labels", "FILE", options.labels, "File with one label a line [the model's]");
}

Result<ModelDescription> load_model(ImageSegmentationModule& module, const ModelOptions& options, Console& console,
                                    std::stop_token stop) {
  auto load = load_options(options, std::move(stop));
  if (!load) return std::unexpected(std::move(load.error()));
  console.progress().begin("loading " + options.model);
  module.on_download_progress([&](double fraction) { console.progress().update(fraction); });
  auto loaded = module.load(options.model, *load);
  module.on_download_progress({});
  console.progress().end();
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  return module.description();
}

}  // namespace silhouette::cli
