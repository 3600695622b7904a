#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inputs.hpp"
#include "originals.hpp"
#include "silhouette/error.hpp"

namespace silhouette::cli {

/// What the output options say; empty means not given.
struct OutputOptions {
  std::string mask;
  std::string overlay;
  std::string cutout;
  std::string rle;
  std::string polygons;
  std::string npy;

  [[nodiscard]] bool none() const {
    return mask.empty() && overlay.empty() && cutout.empty() && rle.empty() && polygons.empty() && npy.empty();
  }
  [[nodiscard]] bool to_stdout() const {
    return mask == "-" || overlay == "-" || cutout == "-" || rle == "-" || polygons == "-";
  }
};

/// Where the results of one image go. "-" is standard output, but for arrays.
struct OutputPlan {
  std::optional<std::filesystem::path> mask;
  std::optional<std::filesystem::path> overlay;
  std::optional<std::filesystem::path> cutout;
  std::optional<std::filesystem::path> rle;
  std::optional<std::filesystem::path> polygons;
  std::optional<std::filesystem::path> npy;  ///< a folder
};

/// What is written beside an image that no option names an output for.
enum class Beside : std::uint8_t { kNothing, kOverlay, kCutout };

/// Decides where everything goes before any work is done, one plan for each input.
///
/// One image: an option names the file, or "-", or a folder (one that exists, or a name that ends in "/") for
/// STEM.mask.png and so on; --npy names the folder of the arrays. Several images: every option names a folder, which
/// gets one file each, and --npy one folder STEM each; images from a folder keep their path below it. Where two
/// images would get the same name, the later one is called STEM-2, and so on. Without any option, `beside` puts that
/// picture beside each image (URLs and the like: into the current folder). `cutout` is how messages call that option.
///
/// kInvalidArgument where options contradict each other. kFileNotFound if the folder of a file isn't there.
Result<std::vector<OutputPlan>> plan_outputs(const OutputOptions& options, const Inputs& inputs, Beside beside,
                                             std::string_view cutout = "--cutout");

/// The inputs' files and `others`, which no output may overwrite.
Originals originals_of(const Inputs& inputs, std::span<const std::filesystem::path> others);

/// kInvalidArgument where an output would overwrite one of the originals, or two outputs of an image are one file.
/// `arrays` are the names of the files in the folders of arrays.
Result<void> check_targets(std::span<const OutputPlan> plans, std::span<const std::string> arrays,
                           const Originals& originals, std::string_view cutout = "--cutout");

}  // namespace silhouette::cli
