#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "inputs.hpp"
#include "outputs.hpp"
#include "shapes.hpp"
#include "silhouette/image_segmentation_module.hpp"

namespace silhouette::cli {

/// What is printed for an image.
enum class Report : std::uint8_t { kNone, kTable, kJson };

/// What is the same for all images of a run.
struct Settings {
  std::vector<int> classes;  ///< of interest, as the user gave them
  ResizeFilter filter = ResizeFilter::kAntialias;
  bool resize = false;
  ShapeOptions shapes;
  Report report = Report::kTable;
  bool colored = false;
  int background = -1;  ///< the model's class of that name, or -1
  Background behind{};  ///< cut-outs
};

/// What came of one image.
struct Outcome {
  std::optional<Error> error;
  std::string report;                      ///< to print
  std::vector<std::byte> standard_output;  ///< an output to print
};

/// Segments an image and writes its outputs. Doesn't throw; thread-safe.
Outcome segment_one(const Input& input, const OutputPlan& plan, const Settings& settings,
                    const ImageSegmentationModule& module, const std::stop_token& stop) noexcept;

/// The files of arrays that an image gets: the class map and, for each class in ascending order, its probabilities.
std::vector<std::string> array_names(std::span<const std::string> labels, const std::vector<int>& classes);

/// The outcome of an image that could not be segmented.
Outcome failed(const Input& input, const Error& error, const Settings& settings);

}  // namespace silhouette::cli
