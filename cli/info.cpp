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

namespace silhouette::cli {
namespace {

struct Options {
  ModelOptions model;
  bool json = false;
};

std::string info_json(const ModelDescription& model) {
  return json_text({
      {"model", model.source},
      {"engine", model.engine},
      {"engine_reason", model.engine_reason},
      {"input", {{"width", model.input_width}, {"height", model.input_height}, {"channels", 3}}},
      {"output", {{"width", model.output_width}, {"height", model.output_height}, {"channels", model.channels}}},
      {"labels", model.labels},
      {"labels_origin", model.labels_origin},
      {"normalization", {{"mean", model.normalization.mean}, {"std", model.normalization.std}}},
      {"normalization_origin", model.normalization_origin},
      {"operators", model.operators},
      {"delegates", model.delegates},
  });
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
      "  input     {} × {} pixels, 3 channels\n"
      "  output    {} × {}, {} {}\n"
      "  labels    {}\n            (from: {})\n"
      "  mean      {:.4g}\n  std       {:.4g}\n            (from: {})\n"
      "  delegates {}\n"
      "  operators {}\n",
      printable(model.source), model.engine, printable(model.engine_reason), model.input_width, model.input_height,
      model.output_width, model.output_height, model.channels, model.channels == 1 ? "channel" : "channels",
      wrapped(labels, kIndent), model.labels_origin, fmt::join(mean, ", "), fmt::join(deviation, ", "),
      model.normalization_origin, wrapped(counted(model.delegates), kIndent), wrapped(model.operators, kIndent));
}

int run_info(const Options& options, Context& context) {
  ImageSegmentationModule module;
  const auto model = load_model(module, options.model, context.console, context.signals.token());
  if (!model) return context.console.fail(model.error());
  context.console.out(options.json ? info_json(*model) : info_text(*model));
  return kExitOk;
}

constexpr std::string_view kFooter =
    R"(Origins of labels and normalisation: caller (the options here), file (the model's own metadata), registry, default.

Examples:
  silhouette info
  silhouette info DEEPLAB_V3_RESNET50
  silhouette info my.pte --labels my.txt --json)";

}  // namespace

void add_info(CLI::App& app, Command& chosen) {
  const auto options = std::make_shared<Options>();
  CLI::App& command =
      *app.add_subcommand("info", "Describe a model: inputs, outputs, labels, operators, engine")->group("Commands");
  command.add_option("MODEL", options->model.model, "Name, file or URL [the embedded one]")->option_text(" ");
  command.add_flag("--json", options->json, "Print it as JSON");
  add_engine_options(command, options->model);
  add_metadata_options(command, options->model);
  command.footer(std::string(kFooter));
  command.callback(
      [options, &chosen] { chosen = [options](Context& context) { return run_info(*options, context); }; });
}

}  // namespace silhouette::cli
