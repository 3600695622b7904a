#include "pipeline/model_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "preprocess/preprocess.hpp"
#include "silhouette/labels.hpp"

namespace silhouette {
namespace {

constexpr std::size_t kMostClassNumbers = 256;

/// Editors put one before a file's first label.
void drop_byte_order_mark(std::vector<std::string>& labels) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (!labels.empty() && labels[0].starts_with(kMark)) labels[0].erase(0, kMark.size());
}

Result<void> refuse_repeats(std::span<const std::string> labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto first = static_cast<std::size_t>(std::ranges::find(labels, labels[i]) - labels.begin());
    if (first == i) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the label '{}' stands for class {} and for class {}; give each class a label of its own",
                            labels[i], first, i));
  }
  return {};
}

void make_different(std::vector<std::string>& labels) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    while (!seen.insert(labels[i]).second) labels[i] += fmt::format("#{}", i);
  }
}

std::vector<std::string> numbered(std::size_t classes) {
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < classes; ++i) labels.push_back(fmt::format("class_{}", i));
  return labels;
}

std::vector<std::string> default_labels(const NetworkShape& shape, std::size_t classes) {
  if (shape.output_type == OutputType::kFloat && shape.channels == 1) return {"BACKGROUND", "FOREGROUND"};
  if (classes == kDeeplabClassCount) return {kDeeplabLabelNames.begin(), kDeeplabLabelNames.end()};
  return numbered(classes == 0 ? kMostClassNumbers : classes);
}

}  // namespace

Result<Decided<Normalization>> decide_normalization(const formats::Metadata& metadata, const ModelEntry* entry,
                                                    const LoadOptions& options, std::string_view name) {
  Decided<Normalization> decided{.value = {}, .origin = "default"};
  if (options.normalization) {
    decided = {*options.normalization, "caller"};
  } else if (metadata.normalization) {
    if (!*metadata.normalization) return std::unexpected(metadata.normalization->error());
    decided = {**metadata.normalization, "file"};
  } else if (entry != nullptr) {
    decided = {entry->normalization, "registry"};
  }
  if (auto checked = check_normalization(decided.value); !checked) {
    if (decided.origin == "caller") return std::unexpected(std::move(checked.error()));
    return fail(ErrorCode::kInvalidModel,
                fmt::format("in '{}' {}, or --mean and --std (LoadOptions::normalization) instead", name,
                            checked.error().message));
  }
  return decided;
}

Result<Decided<std::vector<std::string>>> given_labels(const formats::Metadata& metadata, const LoadOptions& options) {
  Decided<std::vector<std::string>> given;
  if (!options.labels.empty()) {
    given = {options.labels, "caller"};
    drop_byte_order_mark(given.value);
    if (auto checked = refuse_repeats(given.value); !checked) return std::unexpected(std::move(checked.error()));
    return given;
  }
  if (!metadata.labels) return given;
  if (!*metadata.labels) return std::unexpected(metadata.labels->error());
  given = {**metadata.labels, "file"};
  drop_byte_order_mark(given.value);
  make_different(given.value);
  return given;
}

Result<Decided<std::vector<std::string>>> decide_labels(Decided<std::vector<std::string>> given,
                                                        const formats::Contract& contract, const ModelEntry* entry,
                                                        std::string_view name) {
  const NetworkShape& shape = contract.shape;
  const bool numbers = shape.output_type != OutputType::kFloat;
  // Of numbers of classes nobody may know how many there are.
  std::size_t classes = numbers ? static_cast<std::size_t>(contract.numbers) : static_cast<std::size_t>(shape.channels);
  if (!numbers && shape.channels == 1) {
    // A foreground's probability; its background is implied.
    if (given.value.size() == 1) given.value.insert(given.value.begin(), "BACKGROUND");
    classes = std::max(given.value.size(), std::size_t{2});
  }
  if (given.origin.empty()) {
    // A mirror may give another network under the name; the default fits any.
    if (entry != nullptr && !entry->labels.empty() && (classes == 0 || entry->labels.size() == classes)) {
      return Decided<std::vector<std::string>>{{entry->labels.begin(), entry->labels.end()}, "registry"};
    }
    return Decided<std::vector<std::string>>{default_labels(shape, classes), "default"};
  }
  if (classes != 0 && given.value.size() != classes) {
    const bool callers = given.origin == "caller";
    return fail(callers ? ErrorCode::kInvalidArgument : ErrorCode::kInvalidModel,
                fmt::format("{} labels for the {} classes of '{}', whose output is {}{}", given.value.size(), classes,
                            name, contract.output, callers ? "" : "; give LoadOptions::labels or --labels"));
  }
  return given;
}

}  // namespace silhouette
