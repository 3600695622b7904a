#include "segment_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "backgrounds.hpp"
#include "batch.hpp"
#include "exit_codes.hpp"
#include "files.hpp"
#include "format.hpp"
#include "inputs.hpp"
#include "segment_one.hpp"
#include "silhouette/model_cache.hpp"

namespace silhouette::cli {
namespace {

constexpr std::size_t kShownName = 120;

/// The files that a run reads besides the images. A model that isn't here yet is none.
std::vector<std::filesystem::path> other_files(const SegmentOptions& options) {
  std::vector<std::filesystem::path> files;
  if (const auto model = model_path(options.model.model, options.model.cache)) {
    files.emplace_back(*model);
    // Weights that a model's file leaves to another one.
    files.push_back(std::filesystem::path(*model).replace_extension(".ptd"));
  }
  if (!options.model.labels.empty()) files.emplace_back(options.model.labels);
  if (const auto picture = background_file(options.background)) files.emplace_back(*picture);
  return files;
}

/// Labels that differ in letters' case only are the same to who names them; the first of such classes is meant.
void tell_ambiguous_labels(const std::string& classes, std::span<const std::string> labels, Console& console) {
  for (const auto part : split(classes, ',')) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (lower(labels[i]) == lower(part)) found.push_back(i);
    }
    if (found.size() < 2) continue;
    console.error(fmt::format("several classes are called '{}': {}; {} is taken, give the number for another",
                              shorten(part, kShownName), fmt::join(found, ", "), found.front()));
  }
}

Settings settings_for(const SegmentOptions& options, std::vector<int> classes, const ModelDescription& model,
                      bool colored) {
  Settings settings;
  settings.classes = std::move(classes);
  settings.filter = options.filter == "linear" ? ResizeFilter::kLinear : ResizeFilter::kAntialias;
  settings.resize = options.resize;
  settings.shapes = options.shapes;
  settings.report = options.outputs.to_stdout() ? Report::kNone : options.json ? Report::kJson : Report::kTable;
  settings.colored = colored;
  settings.background = model.background;
  return settings;
}

/// Prints what came of one image, and returns its exit code.
int deliver(const Outcome& outcome, Console& console) {
  console.out(outcome.report);
  console.out(outcome.standard_output);
  return outcome.error ? console.fail(*outcome.error) : kExitOk;
}

int segment_all(const Inputs& inputs, const std::vector<OutputPlan>& plans, const Settings& settings,
                const ImageSegmentationModule& module, bool one_at_a_time, Context& context) {
  const std::size_t count = inputs.images.size();
  const auto stop = context.signals.token();
  const auto work = [&](std::size_t i) { return segment_one(inputs.images[i], plans[i], settings, module, stop); };

  if (count > 1) context.console.progress().begin(fmt::format("segmenting {} images", count));
  int exit_code = kExitOk;
  Batch<Outcome> batch(count, one_at_a_time ? 1 : 2, work);
  for (std::size_t i = 0; i < count; ++i) {
    const Outcome outcome = batch.wait_for(i, [&](std::size_t finished) {
      if (stop.stop_requested()) return;
      context.console.progress().update(static_cast<double>(finished) / static_cast<double>(count));
    });
    if (outcome.error && outcome.error->code == ErrorCode::kCancelled) break;
    const int code = deliver(outcome, context.console);
    if (code != kExitOk) exit_code = count > 1 ? kExitSomeFailed : code;
    if (context.console.broken()) context.signals.request_stop();
  }
  context.console.progress().end();
  return exit_code;
}

/// The image if there is one alone and it is a file that doesn't exist.
const Input* only_missing_file(const std::vector<Input>& images) {
  if (images.size() != 1 || images[0].error || !images[0].file || images[0].source.contains("://")) return nullptr;
  std::error_code failed;
  return std::filesystem::exists(*images[0].file, failed) || failed ? nullptr : images.data();
}

}  // namespace

int run_segment(const SegmentOptions& options, Context& context) {
  Console& console = context.console;
  if (options.json && options.outputs.to_stdout()) {
    return console.fail(
        {ErrorCode::kInvalidArgument, "--json and an output on standard output ('-') exclude each other"});
  }
  auto background = parse_background(options.background);
  if (!background) return console.fail(background.error());
  const auto inputs = expand_inputs(options.inputs, options.recursive);
  if (!inputs) return console.fail(inputs.error());
  const auto plans = plan_outputs(
      options.outputs, *inputs, options.json && options.beside == Beside::kOverlay ? Beside::kNothing : options.beside,
      options.cutout);
  if (!plans) return console.fail(plans.error());
  if (auto checked = check_targets(*plans, {}, originals_of(*inputs, other_files(options)), options.cutout); !checked) {
    return console.fail(checked.error());
  }

  // A mistyped name shouldn't cost the download of a model first.
  if (const auto* missing = options.json ? nullptr : only_missing_file(inputs->images)) {
    return console.fail({ErrorCode::kFileNotFound,
                         fmt::format("there is no file '{}'", shorten(printable(missing->name), kShownName))});
  }

  ImageSegmentationModule module;
  const auto model = load_model(module, options.model, console, context.signals.token());
  if (!model) return console.fail(model.error());
  auto classes = parse_classes(options.classes, model->labels);
  if (!classes) return console.fail(classes.error());
  tell_ambiguous_labels(options.classes, model->labels, console);
  // Only now are the names of arrays known, and the model's file.
  const auto arrays = array_names(model->labels, *classes);
  if (auto checked = check_targets(*plans, arrays, originals_of(*inputs, other_files(options)), options.cutout);
      !checked) {
    return console.fail(checked.error());
  }
  auto settings = settings_for(options, std::move(*classes), *model, console.colored());
  settings.behind = std::move(*background);
  return segment_all(*inputs, *plans, settings, module, options.model.threads == 1, context);
}

}  // namespace silhouette::cli
