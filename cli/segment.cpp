#include <limits>
#include <memory>
#include <string_view>

#include "backgrounds.hpp"
#include "command.hpp"
#include "segment_run.hpp"

namespace silhouette::cli {
namespace {

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
  const auto options = std::make_shared<SegmentOptions>();
  Arguments& command = program.add_command("segment", "Find what is where in images");
  command.add_texts("INPUT", options->inputs, "Images: files, folders, URLs, - for standard input").required();
  command.add_flag("-r,--recursive", options->recursive, "Take the images in folders below a folder too");
  command.add_text("--model", "MODEL", options->model.model,
                   "Name, file or URL of the model [DEEPLAB_V3_MOBILENET_V2_EMBEDDED]");
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
  const Argument& cutout =
      command.add_text("--cutout", "F.png", outputs.cutout, "Write the photo with all but the subject transparent");
  command.add_text("--background", "B", options->background, kBackgroundHelp).needs(cutout);
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
