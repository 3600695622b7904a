#include "pipeline/model_metadata.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <variant>

#include "preprocess/preprocess.hpp"
#include "silhouette/labels.hpp"

namespace silhouette {
namespace {

constexpr std::size_t kMostClassNumbers = 256;

Result<std::array<float, 3>> three_numbers(const pte::Program& program, std::string_view method,
                                           std::string_view name) {
  const auto found = program.metadata.find(method);
  const auto* values = found == program.metadata.end() ? nullptr : std::get_if<std::vector<double>>(&found->second);
  if (values == nullptr || values->size() != 3) {
    return fail(
        ErrorCode::kInvalidModel,
        fmt::format("'{}' has no list of three numbers as its {}; give --mean and --std or LoadOptions::normalization "
                    "instead",
                    name, method));
  }
  std::array<float, 3> numbers{};
  std::ranges::transform(*values, numbers.begin(), [](double value) { return static_cast<float>(value); });
  return numbers;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end > 0 && text[end - 1] == '\r' ? end - 1 : end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
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

Result<Decided<Normalization>> decide_normalization(const pte::Program& program, const ModelEntry* entry,
                                                    const LoadOptions& options, std::string_view name) {
  Decided<Normalization> decided{.value = {}, .origin = "default"};
  if (options.normalization) {
    decided = {*options.normalization, "caller"};
  } else if (program.metadata.contains("get_mean") || program.metadata.contains("get_std")) {
    const auto mean = three_numbers(program, "get_mean", name);
    if (!mean) return std::unexpected(mean.error());
    const auto std = three_numbers(program, "get_std", name);
    if (!std) return std::unexpected(std.error());
    decided = {{*mean, *std}, "file"};
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

Result<Decided<std::vector<std::string>>> given_labels(const pte::Program& program, const LoadOptions& options,
                                                       std::string_view name) {
  Decided<std::vector<std::string>> given;
  if (!options.labels.empty()) {
    given = {options.labels, "caller"};
    drop_byte_order_mark(given.value);
    if (auto checked = refuse_repeats(given.value); !checked) return std::unexpected(std::move(checked.error()));
    return given;
  }
  const auto metadata = program.metadata.find("get_labels");
  if (metadata == program.metadata.end()) return given;
  const auto* text = std::get_if<std::string>(&metadata->second);
  if (text == nullptr) {
    return fail(ErrorCode::kInvalidModel,
                fmt::format("'{}' has no text as its get_labels; give --labels or LoadOptions::labels instead", name));
  }
  given = {split_lines(*text), "file"};
  drop_byte_order_mark(given.value);
  make_different(given.value);
  return given;
}

Result<Decided<std::vector<std::string>>> decide_labels(Decided<std::vector<std::string>> given,
                                                        const NetworkShape& shape, const pte::TensorInfo& output,
                                                        const ModelEntry* entry, std::string_view name) {
  const bool numbers = shape.output_type != OutputType::kFloat;
  // Of numbers of classes nobody may know how many there are.
  std::size_t classes = numbers ? static_cast<std::size_t>(output.classes) : static_cast<std::size_t>(shape.channels);
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
    return fail(
        callers ? ErrorCode::kInvalidArgument : ErrorCode::kInvalidModel,
        fmt::format("{} labels for the {} classes of '{}', whose output is [{}]{}", given.value.size(), classes, name,
                    fmt::join(output.sizes, ", "), callers ? "" : "; give LoadOptions::labels or --labels"));
  }
  return given;
}

}  // namespace silhouette
