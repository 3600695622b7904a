#include "silhouette/models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cache.hpp"
#include "command.hpp"
#include "exit_codes.hpp"
#include "format.hpp"
#include "json.hpp"
#include "model_options.hpp"
#include "silhouette/model_cache.hpp"

namespace silhouette::cli {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> names;
  std::string cache;
  bool json = false;
};

std::string_view state_of(const ModelStatus& model) {
  if (model.url.empty()) return model.available ? "embedded" : "missing";
  return model.available ? "downloaded" : "";
}

/// Downloads from other URLs than those of the registered models.
Result<std::vector<CachedModel>> other_downloads(const std::string& cache) {
  auto cached = list_cached_models(cache);
  if (cached)
    std::erase_if(*cached, [](const auto& model) { return !model.name.empty() || !model.complete || model.packed; });
  return cached;
}

int run_list(const Options& options, Context& context) {
  const auto models = list_models(options.cache);
  if (!models) return context.console.fail(models.error());
  const auto others = other_downloads(options.cache);
  if (!others) return context.console.fail(others.error());
  if (options.json) {
    Json list = Json::array();
    for (const auto& model : *models) {
      list.push_back(Json({{"name", model.name},
                           {"url", model.url},
                           {"available", model.available},
                           {"path", model.path},
                           {"bytes", model.bytes}}));
    }
    for (const auto& model : *others) {
      list.push_back(
          Json({{"name", ""}, {"url", ""}, {"available", true}, {"path", model.path}, {"bytes", model.bytes}}));
    }
    context.console.out(list.indented());
    return kExitOk;
  }
  std::size_t width = 0;
  for (const auto& model : *models) width = std::max(width, model.name.size());
  std::string text;
  for (const auto& model : *models) {
    const ModelEntry* const entry = find_model(model.name);
    text += fmt::format("{}  {:10}  {:>6}  {}\n", padded(model.name, width), state_of(model),
                        model.available ? byte_size(model.bytes) : "", entry != nullptr ? entry->description : "");
  }
  for (const auto& model : *others) {
    text += fmt::format("{}  {:10}  {:>6}  {}\n", padded("(from another URL)", width), "downloaded",
                        byte_size(model.bytes), printable(model.path));
  }
  context.console.out(text);
  return kExitOk;
}

int run_path(const Options& options, Context& context) {
  const auto path = model_path(options.name, options.cache);
  if (!path) return context.console.fail(path.error());
  context.console.out(*path + "\n");
  return kExitOk;
}

/// Does something for every name; one that fails is reported and the rest are done.
template <typename Work>
int for_each_name(const std::vector<std::string>& names, Context& context, const Work& work) {
  int exit_code = kExitOk;
  for (const auto& name : names) {
    const Result<std::string> done = work(name);
    if (done) {
      context.console.out(*done + "\n");
      continue;
    }
    const int code = context.console.fail(done.error());
    if (done.error().code == ErrorCode::kCancelled) return code;
    exit_code = names.size() > 1 ? kExitSomeFailed : code;
  }
  return exit_code;
}

int run_fetch(const Options& options, Context& context) {
  auto& progress = context.console.progress();
  return for_each_name(options.names, context, [&](const std::string& name) {
    progress.begin("downloading " + name);
    auto path =
        fetch_model(name, options.cache, [&](double fraction) { progress.update(fraction); }, context.signals.token());
    progress.end();
    return path;
  });
}

int run_remove(const Options& options, Context& context) {
  return remove_models(options.names, options.cache, context);
}

constexpr std::string_view kFooter = R"(NAME is a name from 'silhouette models list', or a model's URL.

Examples:
  silhouette models list
  silhouette models fetch DEEPLAB_V3_RESNET50
  silhouette models path DEEPLAB_V3_MOBILENET_V2_EMBEDDED
  silhouette models rm DEEPLAB_V3_RESNET50
  silhouette models cache prune --max-size 1GB)";

}  // namespace

int remove_models(const std::vector<std::string>& names, const std::string& cache, Context& context) {
  return for_each_name(names, context, [&](const std::string& name) -> Result<std::string> {
    const auto removed = remove_model(name, cache);
    if (!removed) return std::unexpected(removed.error());
    return printable(name) + (*removed ? " removed" : " wasn't downloaded");
  });
}

void add_models(Arguments& program) {
  Arguments& models = program.add_command("models", "List, download and remove models");
  models.set_footer(kFooter);
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* help, int (*run)(const Options&, Context&)) -> Arguments& {
    Arguments& command = models.add_command(name, help);
    add_cache_option(command, options->cache);
    command.set_run([options, run](Context& context) { return run(*options, context); });
    return command;
  };
  add("list", "The models known by name, and which are on this machine", run_list)
      .add_flag("--json", options->json, "Print them as JSON");
  add("path", "Print the file of a model that is on this machine", run_path)
      .add_text("NAME", "", options->name, "Model")
      .required();
  add("fetch", "Download models, and print where they are", run_fetch)
      .add_texts("NAME", options->names, "Models")
      .required();
  add("rm", "Delete downloaded models", run_remove).add_texts("NAME", options->names, "Models").required();
  add_cache(models);
}

}  // namespace silhouette::cli
