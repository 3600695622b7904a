#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "model_options.hpp"
#include "outputs.hpp"
#include "shapes.hpp"

namespace silhouette::cli {

/// What the options of a command that segments images say.
struct SegmentOptions {
  std::vector<std::string> inputs;
  bool recursive = false;
  ModelOptions model;
  std::string classes;
  bool resize = false;
  std::string filter = "antialias";
  OutputOptions outputs;
  Beside beside = Beside::kOverlay;        ///< where no output is named
  std::string_view cutout = "--cutout";    ///< the option that makes one
  std::string background = "transparent";  ///< of cut-outs
  ShapeOptions shapes;
  bool json = false;
};

/// Segments all images and writes what was asked for. The exit code of the process.
int run_segment(const SegmentOptions& options, Context& context);

}  // namespace silhouette::cli
