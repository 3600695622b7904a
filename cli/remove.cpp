#include <memory>
#include <string_view>

#include "backgrounds.hpp"
#include "command.hpp"
#include "segment_run.hpp"
#include "silhouette/models.hpp"

namespace silhouette::cli {
namespace {

constexpr std::string_view kFooter =
    R"(Writes STEM.cutout.png beside each photo (into the current folder for what is no file): everything but the people in it
is transparent, at the photo's own size, and edges follow hair and fingers. PHOTO is whatever 'silhouette segment' takes.

Colours are #rgb, #rrggbb or one of HTML's sixteen: black, silver, gray, white, maroon, red, purple, fuchsia, green, lime,
olive, yellow, navy, blue, teal, aqua. What is transparent in a photo is white. Of a folder, what silhouette wrote there
(STEM.cutout.png) is left out.

With --model DEEPLAB_V3_MOBILENET_V2_EMBEDDED --classes cat,dog it is cats and dogs; any model will do (of many
classes, edges are softened only). A background makes pictures without transparency.

Examples:
  silhouette remove me.jpg
  silhouette remove me.jpg --output - --background white > passport.png
  silhouette remove team/ --output cut/ --background blur
  silhouette remove me.jpg --background beach.jpg
  silhouette remove frames/ --model SELFIE_SEGMENTATION_LANDSCAPE_EMBEDDED --output cut/)";

}  // namespace

void add_remove(Arguments& program) {
  const auto options = std::make_shared<SegmentOptions>();
  options->model.model = kSelfieSegmentationEmbedded;
  options->resize = true;
  options->beside = Beside::kCutout;
  options->cutout = "--output";
  Arguments& command = program.add_command("remove", "Remove the background of photos");
  command.add_texts("PHOTO", options->inputs, "Photos: files, folders, URLs, - for standard input").required();
  command.add_flag("-r,--recursive", options->recursive, "Take the images in folders below a folder too");
  command.add_text("-o,--output", "F.png", options->outputs.cutout,
                   "Where the picture goes: a name, - for standard output, or a folder [beside the photo]");
  command.add_text("--background", "B", options->background, kBackgroundHelp);
  command.add_text("--model", "MODEL", options->model.model,
                   "Name, file or URL of the model [SELFIE_SEGMENTATION_EMBEDDED: people]");
  command.add_text("--classes", "A,B", options->classes, "What stays, by label or number [all but the background]");
  command.add_choice("--filter", "NAME", options->filter, {"antialias", "linear"},
                     "How photos are scaled down: antialias or linear [antialias]");
  command.add_flag("--json", options->json, "Print results as JSON, one line for each photo");
  add_engine_options(command, options->model);
  add_metadata_options(command, options->model);
  command.set_footer(kFooter);
  command.set_run([options](Context& context) { return run_segment(*options, context); });
}

}  // namespace silhouette::cli
