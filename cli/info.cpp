#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "command.hpp"
#include "exit_codes.hpp"
#include "format.hpp"
#include "json.hpp"
#include "model_options.hpp"
#include "silhouette/network_listing.hpp"

namespace silhouette::cli {
namespace {

struct Options {
  ModelOptions model;
  bool json = false;
  bool graph = false;
};

Json info_json(const ModelDescription& model) {
  return {
      {"model", model.source},
      {"engine", model.engine},
      {"engine_reason", model.engine_reason},
      {"instructions", model.instructions},
      {"input", Json({{"width", model.input_width}, {"height", model.input_height}, {"channels", 3}})},
      {"output", Json({{"width", model.output_width}, {"height", model.output_height}, {"channels", model.channels}})},
      {"labels", model.labels},
      {"labels_origin", model.labels_origin},
      {"normalization", Json({{"mean", model.normalization.mean}, {"std", model.normalization.std}})},
      {"normalization_origin", model.normalization_origin},
      {"operators", model.operators},
      {"delegates", model.delegates},
  };
}

Json network_json(const NetworkListing& network) {
  return {{"passes", network.passes},
          {"multiply_adds", network.multiply_adds},
          {"rewritten_multiply_adds", network.rewritten_multiply_adds},
          {"steps", network.steps},
          {"rewritten_steps", network.rewritten_steps}};
}

std::string network_text(const NetworkListing& network) {
  std::string text = "\nThe network as the file has it:\n";
  for (const auto& step : network.steps) text += "  " + step + "\n";
  text += fmt::format("  {} steps, {:.2f} million multiply-adds\n\nAs the native engine runs it ({}):\n",
                      network.steps.size(), static_cast<double>(network.multiply_adds) * 1e-6,
                      fmt::join(network.passes, ", "));
  for (const auto& step : network.rewritten_steps) text += "  " + step + "\n";
  return text + fmt::format("  {} steps, {:.2f} million multiply-adds\n", network.rewritten_steps.size(),
                            static_cast<double>(network.rewritten_multiply_adds) * 1e-6);
}

/// Text in lines of at most `width` columns, the second and later ones indented.
std::string wrapped(const std::vector<std::string>& words, std::size_t indent) {
  constexpr std::size_t kWidth = 100;
  std::string text;
  std::size_t column = indent;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = printable(words[i]) + (i + 1 < words.size() ? "," : "");
    const std::size_t width = display_width(word);
    if (i > 0 && column + 1 + width > kWidth) {
      text += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (i > 0) {
      text += ' ';
      ++column;
    }
    text += word;
    column += width;
  }
  return text.empty() ? "none" : text;
}

std::vector<std::string> counted(const std::vector<std::string>& names) {
  std::map<std::string, int> counts;
  for (const auto& name : names) ++counts[name];
  std::vector<std::string> texts;
  texts.reserve(counts.size());
  for (const auto& [name, count] : counts) texts.push_back(fmt::format("{} × {}", count, name));
  return texts;
}

std::string info_text(const ModelDescription& model) {
  constexpr std::size_t kIndent = 12;
  const auto& [mean, deviation] = model.normalization;
  std::vector<std::string> labels;
  labels.reserve(model.labels.size());
  for (std::size_t i = 0; i < model.labels.size(); ++i) labels.push_back(fmt::format("{} {}", i, model.labels[i]));
  return fmt::format(
      "{}\n"
      "  engine    {}: {}\n"
      "  runs on   {}\n"
      "  input     {} × {} pixels, 3 channels\n"
      "  output    {} × {}, {} {}\n"
      "  labels    {}\n            (from: {})\n"
      "  mean      {:.4g}\n  std       {:.4g}\n            (from: {})\n"
      "  delegates {}\n"
      "  operators {}\n",
      printable(model.source), model.engine, printable(model.engine_reason), model.instructions, model.input_width,
      model.input_height, model.output_width, model.output_height, model.channels,
      model.channels == 1 ? "channel" : "channels", wrapped(labels, kIndent), model.labels_origin,
      fmt::join(mean, ", "), fmt::join(deviation, ", "), model.normalization_origin,
      wrapped(counted(model.delegates), kIndent), wrapped(model.operators, kIndent));
}

int run_info(const Options& options, Context& context) {
  ImageSegmentationModule module;
  const auto model = load_model(module, options.model, context.console, context.signals.token());
  if (!model) return context.console.fail(model.error());
  if (!options.graph) {
    context.console.out(options.json ? info_json(*model).indented() : info_text(*model));
    return kExitOk;
  }
  // Loading has downloaded what there was to download.
  LoadOptions load;
  load.cache_directory = options.model.cache;
  load.stop = context.signals.token();
  const auto network = list_network(options.model.model, load);
  if (options.json) {
    auto description = info_json(*model);
    description.set("network", network ? network_json(*network) : Json());
    context.console.out(description.indented());
  } else {
    context.console.out(info_text(*model) + (network ? network_text(*network) : ""));
  }
  return network ? kExitOk : context.console.fail(network.error());
}

constexpr std::string_view kFooter =
    R"(Origins of labels and normalisation: caller (the options here), file (the model's own metadata), registry, default.

With --graph, a network that can't be listed (quantised, or of operators that only ExecuTorch has) is described all the
same, then the reason is told and the exit code is 3; in JSON, its "network" is null.

Examples:
  silhouette info
  silhouette info DEEPLAB_V3_RESNET50
  silhouette info my.pte --labels my.txt --json
  silhouette info LRASPP_MOBILENET_V3_LARGE --graph)";

}  // namespace

void add_info(Arguments& program) {
  const auto options = std::make_shared<Options>();
  Arguments& command = program.add_command("info", "Describe a model: inputs, outputs, labels, operators, engine");
  command.add_text("MODEL", "", options->model.model, "Name, file or URL [DEEPLAB_V3_MOBILENET_V2_EMBEDDED]");
  command.add_flag("--json", options->json, "Print it as JSON");
  command.add_flag("--graph", options->graph, "List the network's steps too, before and after rewriting");
  add_engine_options(command, options->model);
  add_metadata_options(command, options->model);
  command.set_footer(kFooter);
  command.set_run([options](Context& context) { return run_info(*options, context); });
}

}  // namespace silhouette::cli
