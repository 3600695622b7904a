#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/model.hpp"
#include "silhouette/image_segmentation_module.hpp"

namespace silhouette {

/// A value, and who gave it: "caller", "file", "registry" or "default".
template <typename T>
struct Decided {
  T value;
  std::string origin;
};

/// The caller's normalisation; the file's; the registry's; none. `entry` may be null. Checked:
/// kInvalidArgument blames the caller, kInvalidModel the file, which `name` stands for.
Result<Decided<Normalization>> decide_normalization(const formats::Metadata& metadata, const ModelEntry* entry,
                                                    const LoadOptions& options, std::string_view name);

/// The labels that the caller or the file gives; empty if neither does. The caller's are all different;
/// the file's are made so: of equal ones all but the first get "#" and their class's number. kInvalidArgument,
/// kInvalidModel.
Result<Decided<std::vector<std::string>>> given_labels(const formats::Metadata& metadata, const LoadOptions& options);

/// The classes of a network's result: `given`, if they are as many as it has classes; the registry's; the default.
/// A single channel of floats has two: one label names the foreground; more than two make its values numbers of
/// classes.
Result<Decided<std::vector<std::string>>> decide_labels(Decided<std::vector<std::string>> given,
                                                        const formats::Contract& contract, const ModelEntry* entry,
                                                        std::string_view name);

}  // namespace silhouette
