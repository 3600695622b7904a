#include "session/interpretation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "preprocess/preprocess.hpp"
#include "silhouette/labels.hpp"

namespace silhouette {
namespace {

constexpr std::size_t kMostClassNumbers = 256;

/// `name` is in capitals.
bool is_called(std::string_view label, std::string_view name) noexcept {
  return std::ranges::equal(label, name, {},
                            [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
}

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

Result<Decided<Normalization>> decide_normalization(const formats::Metadata& metadata, const Advice& advice,
                                                    std::string_view name) {
  Decided<Normalization> decided{.value = {}, .origin = "default"};
  if (advice.normalization) {
    decided = {*advice.normalization, "caller"};
  } else if (metadata.normalization) {
    if (!*metadata.normalization) return std::unexpected(metadata.normalization->error());
    decided = {**metadata.normalization, "file"};
  } else if (advice.entry != nullptr) {
    decided = {advice.entry->normalization, "registry"};
  }
  if (auto checked = check_normalization(decided.value); !checked) {
    if (decided.origin == "caller") return std::unexpected(std::move(checked.error()));
    return fail(ErrorCode::kInvalidModel,
                fmt::format("in '{}' {}, or --mean and --std (LoadOptions::normalization) instead", name,
                            checked.error().message));
  }
  return decided;
}

Result<Decided<std::vector<std::string>>> given_labels(const formats::Metadata& metadata, const Advice& advice) {
  Decided<std::vector<std::string>> given;
  if (!advice.labels.empty()) {
    given = {advice.labels, "caller"};
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

int background_class(std::span<const std::string> labels) noexcept {
  // torchvision's weights name it with underscores.
  const auto found = std::ranges::find_if(
      labels, [](const auto& label) { return is_called(label, "BACKGROUND") || is_called(label, "__BACKGROUND__"); });
  return found == labels.end() ? -1 : static_cast<int>(found - labels.begin());
}

Result<Interpretation> interpret(const formats::Model& model, const Advice& advice, std::string_view name) {
  auto given = given_labels(model.metadata, advice);
  if (!given) return std::unexpected(std::move(given.error()));
  if (!model.contract) return std::unexpected(model.contract.error());
  auto labels = decide_labels(std::move(*given), *model.contract, advice.entry, name);
  if (!labels) return std::unexpected(std::move(labels.error()));
  auto normalization = decide_normalization(model.metadata, advice, name);
  if (!normalization) return std::unexpected(std::move(normalization.error()));
  const NetworkShape& shape = model.contract->shape;
  Interpretation result{.normalization = std::move(*normalization), .labels = std::move(*labels)};
  result.has_probabilities =
      shape.output_type == OutputType::kFloat && (shape.channels > 1 || result.labels.value.size() == 2);
  result.background = background_class(result.labels.value);
  return result;
}

}  // namespace silhouette
