#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "batch.hpp"
#include "command.hpp"
#include "exit_codes.hpp"
#include "files.hpp"
#include "format.hpp"
#include "inputs.hpp"
#include "model_options.hpp"
#include "outputs.hpp"
#include "segment_one.hpp"
#include "silhouette/model_cache.hpp"

namespace silhouette::cli {
namespace {

constexpr std::size_t kShownName = 120;

struct Options {
  std::vector<std::string> inputs;
  bool recursive = false;
  ModelOptions model;
  std::string classes;
  bool resize = false;
  std::string filter = "antialias";
  OutputOptions outputs;
  ShapeOptions shapes;
  bool json = false;
};

/// The files that a run reads besides the images. A model that isn't here yet is none.
std::vector<std::filesystem::path> other_files(const Options& options) {
  std::vector<std::filesystem::path> files;
  if (const auto model = model_path(options.model.model, options.model.cache)) {
    files.emplace_back(*model);
    // Weights that a model's file leaves to another one.
    files.push_back(std::filesystem::path(*model).replace_extension(".ptd"));
  }
  if (!options.model.labels.empty()) files.emplace_back(options.model.labels);
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

Settings settings_for(const Options& options, std::vector<int> classes, const ModelDescription& model, bool colored) {
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

int run_segment(const Options& options, Context& context) {
  Console& console = context.console;
  if (options.json && options.outputs.to_stdout()) {
    return console.fail(
        {ErrorCode::kInvalidArgument, "--json and an output on standard output ('-') exclude each other"});
  }
  const auto inputs = expand_inputs(options.inputs, options.recursive);
  if (!inputs) return console.fail(inputs.error());
  const auto plans = plan_outputs(options.outputs, *inputs, !options.json);
  if (!plans) return console.fail(plans.error());
  if (auto checked = check_targets(*plans, {}, originals_of(*inputs, other_files(options))); !checked) {
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
  if (auto checked = check_targets(*plans, arrays, originals_of(*inputs, other_files(options))); !checked) {
    return console.fail(checked.error());
  }
  const auto settings = settings_for(options, std::move(*classes), *model, console.colored());
  return segment_all(*inputs, *plans, settings, module, options.model.threads == 1, context);
}

constexpr std::string_view kFooter =
    R"(INPUT is an image file, a folder, an http(s), file or data URI, base64 text, a pipe, or - for standard input. A name
that begins with a dash is given as ./-name. Of a folder, hidden files and (with --recursive) hidden folders are left out;
one that can't be read is reported, and the rest is done.

Where results go:
  Without an output option, the classes found are printed and an overlay is written beside each image as
  STEM.overlay.png (into the current folder for what is no file). With --json alone nothing is written.
  One image: a name, - for standard output, or a folder (one that exists, or a name that ends in /), which gets
  STEM.mask.png, STEM.overlay.png, STEM.cutout.png, STEM.rle.json, STEM.polygons.json. --npy: the folder of the arrays.
  Several images or a folder: every output option names a folder, made if need be. Images from a folder keep their
  path below it; of two with the same name the second is called STEM-2. --npy: one folder STEM for each image.
  Overlays and cut-outs have the photo's own size, and so have all results of a run that makes one: they imply
  --resize. The cut-out shows the classes of --classes, or all but the background if there are none.
  Shapes (--rle, --polygons) are those of --classes, or of every class found but the background, in pixels of the
  class map: give --resize for the photo's.
  Files that exist are replaced, but never an input, the model or the labels. Results are whole or not there.

--rle writes a JSON array of {label, class, size [height, width], area, bbox [x, y, width, height], counts}, with the
counts as COCO's compressed text, which pycocotools reads. --polygons writes {label, class, size, area, bbox, polygons
[{outer [[x, y]…], holes [[[x, y]…]…]}]}; points are corners of pixels, and rings closed without repeating the first.

--json prints one object a line for each image, in the order of the inputs: path, width and height of the class map,
image_width, image_height, model, engine, engine_reason, classes [{label, index, pixels, share 0…1}], timings and
outputs (the files written); or path and error {code, message}.

Examples:
  silhouette segment photo.jpg
  silhouette segment photo.jpg --classes cat,dog --cutout pets.png --mask pets.mask.png
  silhouette segment photo.jpg --polygons shapes.json --tolerance 2 --resize
  silhouette segment holiday/ --recursive --overlay out/
  silhouette segment *.jpg --json | jq -r 'select(.classes[]?.label == "PERSON") | .path'
  curl -s https://example.com/a.jpg | silhouette segment - --mask - > mask.png
  silhouette segment photo.jpg --model my.pte --labels my.txt --npy arrays/ --classes 3)";

}  // namespace

void add_segment(Arguments& program) {
  const auto options = std::make_shared<Options>();
  Arguments& command = program.add_command("segment", "Find what is where in images");
  command.add_texts("INPUT", options->inputs, "Images: files, folders, URLs, - for standard input").required();
  command.add_flag("-r,--recursive", options->recursive, "Take the images in folders below a folder too");
  command.add_text("--model", "MODEL", options->model.model, "Name, file or URL of the model [the embedded one]");
  command.add_text("--classes", "A,B", options->classes,
                   "Classes of interest, by label or number, with commas between: for --npy, --cutout, --rle, "
                   "--polygons, --json");
  command.add_flag("--resize", options->resize, "Results at the image's size instead of the model's");
  command.add_choice("--filter", "NAME", options->filter, {"antialias", "linear"},
                     "How images are scaled down: antialias or linear [antialias]");
  OutputOptions& outputs = options->outputs;
  command.add_text("--mask", "F.png", outputs.mask,
                   "Write the class map: a palette PNG whose values are class numbers");
  command.add_text("--overlay", "F.png", outputs.overlay,
                   "Write the photo with the classes painted over, and a legend");
  command.add_text("--cutout", "F.png", outputs.cutout, "Write the photo with all but the subject transparent");
  command.add_text("--rle", "F.json", outputs.rle, "Write the classes' pixels as COCO run lengths");
  const Argument& polygons =
      command.add_text("--polygons", "F.json", outputs.polygons, "Write the classes' outlines as polygons with holes");
  command
      .add_number("--tolerance", "PX", options->shapes.tolerance,
                  "Pixels that polygons may stray from the outlines for having fewer points, 0 for none [1]")
      .needs(polygons);
  command
      .add_number("--min-area", "PIXELS", options->shapes.min_area, 0, std::numeric_limits<std::int64_t>::max(),
                  "Leave out polygons of fewer pixels, and fill holes of fewer [0]")
      .needs(polygons);
  command.add_text("--npy", "DIR", outputs.npy,
                   "Write ARGMAX.npy (int32) and, for each class of interest, LABEL.npy (float32)");
  command.add_flag("--json", options->json, "Print results as JSON, one line for each image");
  add_engine_options(command, options->model);
  add_metadata_options(command, options->model);
  command.set_footer(kFooter);
  command.set_run([options](Context& context) { return run_segment(*options, context); });
}

}  // namespace silhouette::cli
