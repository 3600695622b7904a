#include "cache.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "exit_codes.hpp"
#include "format.hpp"
#include "json.hpp"
#include "model_options.hpp"
#include "silhouette/model_cache.hpp"

namespace silhouette::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  std::string cache;
  bool json = false;
  std::optional<std::uint64_t> max_bytes;
  std::optional<std::uint64_t> unused_days;
};

std::uint64_t total_bytes(std::span<const CachedModel> models) {
  return std::accumulate(models.begin(), models.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& model) { return sum + model.bytes; });
}

std::string shown_name(const CachedModel& model) {
  return model.name.empty() ? printable(std::filesystem::path(model.path).filename().string()) : model.name;
}

int run_list(const Options& options, Context& context) {
  const auto models = list_cached_models(options.cache);
  if (!models) return context.console.fail(models.error());
  if (options.json) {
    Json list = Json::array();
    for (const auto& model : *models) {
      const auto used = std::chrono::duration_cast<std::chrono::seconds>(model.last_used.time_since_epoch());
      list.push_back(Json({{"path", model.path},
                           {"name", model.name},
                           {"bytes", model.bytes},
                           {"complete", model.complete},
                           {"packed", model.packed},
                           {"last_used", used.count()}}));
    }
    context.console.out(list.indented());
    return kExitOk;
  }
  std::size_t width = 0;
  for (const auto& model : *models) width = std::max(width, display_width(shown_name(model)));
  std::string text;
  for (const auto& model : *models) {
    text += fmt::format("{}  {:>6}  {:%Y-%m-%d}  {}\n", padded(shown_name(model), width), byte_size(model.bytes),
                        std::chrono::floor<std::chrono::seconds>(model.last_used),
                        model.packed     ? "packed weights"
                        : model.complete ? ""
                                         : "unfinished");
  }
  context.console.out(text);
  return kExitOk;
}

int run_size(const Options& options, Context& context) {
  const auto models = list_cached_models(options.cache);
  if (!models) return context.console.fail(models.error());
  const auto bytes = total_bytes(*models);
  context.console.out(fmt::format("{} bytes ({}) in {} {}\n", bytes, byte_size(bytes), models->size(),
                                  models->size() == 1 ? "file" : "files"));
  return kExitOk;
}

int run_remove(const Options& options, Context& context) {
  return remove_models(options.names, options.cache, context);
}

int run_prune(const Options& options, Context& context) {
  PruneOptions prune;
  prune.max_bytes = options.max_bytes;
  if (options.unused_days) prune.max_age = std::chrono::days(*options.unused_days);
  const auto removed = prune_cached_models(prune, options.cache);
  if (!removed) return context.console.fail(removed.error());
  std::string text;
  for (const auto& model : *removed) text += fmt::format("{} removed\n", shown_name(model));
  context.console.out(text + fmt::format("{} freed\n", byte_size(total_bytes(*removed))));
  return kExitOk;
}

constexpr std::string_view kFooter = R"(NAME is a model's name or URL, or a file of the cache.

prune removes downloads that broke off; with --max-size also whole files, those used longest ago first, until the rest
fits, and with --unused those that weren't used for so many days. Downloads that are under way stay.

Examples:
  silhouette models cache list
  silhouette models cache size
  silhouette models cache remove DEEPLAB_V3_RESNET50
  silhouette models cache prune --unused 90)";

}  // namespace

void add_cache(Arguments& models) {
  Arguments& cache = models.add_command("cache", "See what downloads and packed weights take, and make room");
  cache.set_footer(kFooter);
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* help, int (*run)(const Options&, Context&)) -> Arguments& {
    Arguments& command = cache.add_command(name, help);
    add_cache_option(command, options->cache);
    command.set_run([options, run](Context& context) { return run(*options, context); });
    return command;
  };
  add("list", "Every file: size, last use, and what it is", run_list)
      .add_flag("--json", options->json, "Print them as JSON; last_used is in seconds since 1970");
  add("size", "Bytes that the cache takes", run_size);
  add("remove", "Delete files of the cache", run_remove).add_texts("NAME", options->names, "Models").required();
  Arguments& prune = add("prune", "Delete what broke off, and what isn't worth its room", run_prune);
  prune.add_size("--max-size", "SIZE", options->max_bytes, "Bytes that may stay, as in 500MB or 2GB");
  prune.add_number("--unused", "DAYS", options->unused_days, 0, 36'500, "Delete models that weren't used for so long");
}

}  // namespace silhouette::cli
