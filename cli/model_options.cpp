#include "model_options.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <charconv>
#include <optional>
#include <string_view>

#include "files.hpp"
#include "format.hpp"

namespace silhouette::cli {
namespace {

constexpr std::uint64_t kMaxLabelsBytes = 1 << 20;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::array<float, 3>> parse_triple(std::string_view option, const std::string& text) {
  std::array<float, 3> triple{};
  const auto parts = split(text, ',');
  for (std::size_t i = 0; i < triple.size(); ++i) {
    const auto value = parts.size() == triple.size() ? parse_number<float>(parts[i]) : std::nullopt;
    if (!value) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{} '{}': give three numbers for red, green and blue, as in 0.485,0.456,0.406", option, text));
    }
    triple[i] = *value;
  }
  return triple;
}

Result<std::vector<std::string>> read_labels(const std::string& path) {
  auto text = read_text_file(path, kMaxLabelsBytes);
  if (!text) return std::unexpected(std::move(text.error()));
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

void add_cache_option(CLI::App& command, std::string& cache) {
  command
      .add_option("--cache", cache,
                  "Folder for downloaded models [$SILHOUETTE_CACHE, $XDG_CACHE_HOME/silhouette or ~/.cache/silhouette]")
      ->option_text("DIR");
}

void add_engine_options(CLI::App& command, ModelOptions& options) {
  command.add_option("--engine", options.engine, "What runs the network: auto, native or executorch [auto]")
      ->check(CLI::IsMember({"auto", "native", "executorch"}))
      ->option_text("NAME");
  command
      .add_option("--memory", options.memory,
                  "Native engine: default, or low for weights as small as the file's at some speed [default]")
      ->check(CLI::IsMember({"default", "low"}))
      ->option_text("USE");
  command.add_flag("--keep-packed", options.keep_packed,
                   "Native engine: keep packed weights in the cache folder, so that the next load takes milliseconds");
  command.add_option("--threads", options.threads, "Threads to use, 0 for one per processor [0]")
      ->check(CLI::Range(0, 256))
      ->option_text("N");
  add_cache_option(command, options.cache);
}

void add_metadata_options(CLI::App& command, ModelOptions& options) {
  command.add_option("--mean", options.mean, "Normalisation of red, green and blue on the scale 0…1 [the model's]")
      ->option_text("R,G,B");
  command.add_option("--std", options.std, "Likewise; goes with --mean")->option_text("R,G,B");
  command.add_option("--labels", options.labels, "File with one label a line [the model's]")->option_text("FILE");
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
