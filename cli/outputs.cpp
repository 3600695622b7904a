#include "outputs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "endings.hpp"
#include "files.hpp"
#include "format.hpp"

namespace silhouette::cli {
namespace {

namespace fs = std::filesystem;

/// One of the options that make a file: a picture or the shapes of classes.
struct Kind {
  std::string_view option;
  std::string_view ending;
  std::string_view extension;
  const std::string OutputOptions::* chosen;
  std::optional<fs::path> OutputPlan::* planned;
};

using Kinds = std::array<Kind, 5>;

/// `cutout`: the option that makes one.
Kinds kinds(std::string_view cutout) {
  return {{
      {"--mask", ".mask.png", ".png", &OutputOptions::mask, &OutputPlan::mask},
      {"--overlay", ".overlay.png", ".png", &OutputOptions::overlay, &OutputPlan::overlay},
      {cutout, ".cutout.png", ".png", &OutputOptions::cutout, &OutputPlan::cutout},
      {"--rle", ".rle.json", ".json", &OutputOptions::rle, &OutputPlan::rle},
      {"--polygons", ".polygons.json", ".json", &OutputOptions::polygons, &OutputPlan::polygons},
  }};
}

std::unexpected<Error> usage(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool means_folder(const std::string& chosen) {
  return chosen.ends_with('/') || is_folder(chosen);
}

/// Checks of the options alone, without the inputs.
Result<void> check_options(const Kinds& all, const OutputOptions& options, bool several) {
  int on_stdout = 0;
  for (const Kind& kind : all) {
    const std::string& chosen = options.*kind.chosen;
    if (chosen.empty()) continue;
    if (chosen == "-") {
      if (several) return usage(fmt::format("{} -: standard output takes the result of one image only", kind.option));
      if (++on_stdout > 1) return usage("only one output can go to standard output");
      if (kind.extension == ".png" && ::isatty(STDOUT_FILENO) == 1) {
        return usage(fmt::format("{} -: standard output is the terminal; redirect it to a file", kind.option));
      }
      continue;
    }
    if (means_folder(chosen)) continue;
    const std::string ending = lower(fs::path(chosen).extension().string());
    if (several && ending == kind.extension) {
      return usage(fmt::format("{} '{}': several images need a folder; '{}/' makes one", kind.option, chosen, chosen));
    }
    if (ending != kind.extension && (has_image_ending(chosen) || ending == ".json" || ending == ".bmp")) {
      return usage(fmt::format("{} '{}': {}; end the name in {}", kind.option, chosen,
                               kind.extension == ".png" ? "pictures are written as PNG" : "shapes are written as JSON",
                               kind.extension));
    }
  }
  if (options.npy == "-") return usage("--npy -: arrays go into a folder; name one");
  return {};
}

/// The name that the outputs of every input begin with: its stem below `folder`, numbered where it was taken.
class Names {
 public:
  fs::path pick(const fs::path& folder, const std::string& stem) {
    for (int number = 1;; ++number) {
      const fs::path name = folder / (number == 1 ? stem : fmt::format("{}-{}", stem, number));
      // A folder may be named in more than one way.
      if (taken_.insert(resolved(name)).second) return name;
    }
  }

 private:
  std::set<fs::path> taken_;
};

fs::path with_ending(fs::path name, std::string_view ending) {
  name += ending;
  return name;
}

OutputPlan plan_one(const Kinds& all, const OutputOptions& options, const fs::path& name, bool several) {
  OutputPlan plan;
  for (const Kind& kind : all) {
    const std::string& chosen = options.*kind.chosen;
    if (chosen.empty()) continue;
    const bool folder = several || (chosen != "-" && means_folder(chosen));
    plan.*kind.planned = folder ? with_ending(fs::path(chosen) / name, kind.ending) : fs::path(chosen);
  }
  if (!options.npy.empty()) plan.npy = several ? options.npy / name : fs::path(options.npy);
  return plan;
}

/// A file that is named by the user and not by us: its folder must be there, since a name with a slip in it shouldn't
/// make folders.
Result<void> check_folder_of(const Kind& kind, const fs::path& file) {
  const fs::path folder = file.parent_path();
  if (folder.empty() || is_folder(folder)) return {};
  return fail(ErrorCode::kFileNotFound, fmt::format("{} '{}': there is no folder '{}'; make it first", kind.option,
                                                    file.string(), folder.string()));
}

}  // namespace

Result<std::vector<OutputPlan>> plan_outputs(const OutputOptions& options, const Inputs& inputs, Beside beside,
                                             std::string_view cutout) {
  const Kinds all = kinds(cutout);
  if (auto checked = check_options(all, options, inputs.several); !checked)
    return std::unexpected(std::move(checked.error()));
  Names names;
  std::vector<OutputPlan> plans;
  for (const auto& input : inputs.images) {
    OutputPlan plan;
    if (options.none()) {
      if (beside == Beside::kOverlay) plan.overlay = with_ending(names.pick(input.folder, input.stem), ".overlay.png");
      if (beside == Beside::kCutout) plan.cutout = with_ending(names.pick(input.folder, input.stem), ".cutout.png");
    } else {
      plan = plan_one(all, options, names.pick(input.below, input.stem), inputs.several);
    }
    for (const Kind& kind : all) {
      const auto& target = plan.*kind.planned;
      if (!target || *target == "-" || inputs.several || options.none() || means_folder(options.*kind.chosen)) continue;
      if (auto checked = check_folder_of(kind, *target); !checked) return std::unexpected(std::move(checked.error()));
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

Originals originals_of(const Inputs& inputs, std::span<const fs::path> others) {
  Originals originals;
  for (const auto& path : others) originals.add(path);
  for (const auto& input : inputs.images) {
    if (input.file) originals.add(*input.file);
  }
  return originals;
}

Result<void> check_targets(std::span<const OutputPlan> plans, std::span<const std::string> arrays,
                           const Originals& originals, std::string_view cutout) {
  const Kinds all = kinds(cutout);
  for (const OutputPlan& plan : plans) {
    std::set<fs::path> targets;
    const auto check = [&](std::string_view option, const fs::path& target) -> Result<void> {
      if (originals.contains(target)) {
        return usage(fmt::format("{} would overwrite the input '{}'; choose another name", option, target.string()));
      }
      // Any number of results may go to a device.
      if (!is_stream(target) && !targets.insert(resolved(target)).second) {
        return usage(fmt::format("two outputs have the same name '{}'", target.string()));
      }
      return {};
    };
    for (const Kind& kind : all) {
      const auto& target = plan.*kind.planned;
      if (!target || *target == "-") continue;
      if (auto checked = check(kind.option, *target); !checked) return checked;
    }
    if (!plan.npy) continue;
    if (auto checked = check("--npy", *plan.npy); !checked) return checked;
    for (const std::string& name : arrays) {
      if (auto checked = check("--npy", *plan.npy / name); !checked) return checked;
    }
  }
  return {};
}

}  // namespace silhouette::cli
