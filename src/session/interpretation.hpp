#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/model.hpp"
#include "silhouette/models.hpp"
#include "silhouette/normalization.hpp"

namespace silhouette {

/// A value, and who gave it: "caller", "file", "registry" or "default".
template <typename T>
struct Decided {
  T value;
  std::string origin;
};

/// What is known of a model besides its file.
struct Advice {
  std::optional<Normalization> normalization{};  ///< the caller's
  std::vector<std::string> labels{};             ///< the caller's; empty: none
  const ModelEntry* entry = nullptr;             ///< the registry's, or null
};

/// The caller's normalisation; the file's; the registry's; none. Checked: kInvalidArgument blames the caller,
/// kInvalidModel the file, which `name` stands for.
Result<Decided<Normalization>> decide_normalization(const formats::Metadata& metadata, const Advice& advice,
                                                    std::string_view name);

/// The labels that the caller or the file gives; empty if neither does. The caller's are all different;
/// the file's are made so: of equal ones all but the first get "#" and their class's number. kInvalidArgument,
/// kInvalidModel.
Result<Decided<std::vector<std::string>>> given_labels(const formats::Metadata& metadata, const Advice& advice);

/// The classes of a network's result: `given`, if they are as many as it has classes; the registry's; the default.
/// A single channel of floats has two: one label names the foreground; more than two make its values numbers of
/// classes.
Result<Decided<std::vector<std::string>>> decide_labels(Decided<std::vector<std::string>> given,
                                                        const formats::Contract& contract, const ModelEntry* entry,
                                                        std::string_view name);

/// Channel labelled as background, or −1.
int background_class(std::span<const std::string> labels) noexcept;

/// How a model is used and what its results are called.
struct Interpretation {
  Decided<Normalization> normalization;
  Decided<std::vector<std::string>> labels;
  bool has_probabilities = true;  ///< false: the network gives numbers of classes
  int background = -1;            ///< its channel, or −1
};

/// All of these. The error of the model's contract if it has none.
Result<Interpretation> interpret(const formats::Model& model, const Advice& advice, std::string_view name);

}  // namespace silhouette
