#include "formats/pte/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>
#include <variant>

#include "formats/pte/container.hpp"
#include "formats/pte/messages.hpp"
#include "formats/pte/network.hpp"
#include "formats/pte/program.hpp"
#include "formats/pte/verified.hpp"

namespace silhouette::pte {
namespace {

/// Methods of react-native-executorch's exports that say how to use the network.
constexpr std::string_view kLabels = "get_labels";
constexpr std::string_view kMean = "get_mean";
constexpr std::string_view kStd = "get_std";

Result<std::array<float, 3>> three_numbers(const Program& program, std::string_view method, std::string_view name) {
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

Result<Normalization> read_normalization(const Program& program, std::string_view name) {
  const auto mean = three_numbers(program, kMean, name);
  if (!mean) return std::unexpected(mean.error());
  const auto std = three_numbers(program, kStd, name);
  if (!std) return std::unexpected(std.error());
  return Normalization{.mean = *mean, .std = *std};
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

Result<std::vector<std::string>> read_labels(const MetadataValue& value, std::string_view name) {
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr) return split_lines(*text);
  return fail(ErrorCode::kInvalidModel,
              fmt::format("'{}' has no text as its {}; give --labels or LoadOptions::labels instead", name, kLabels));
}

bool recognizes(Bytes file) {
  // The identifier of any version: "ET12".
  constexpr std::size_t kOffset = 4;
  if (file.size() < kOffset + 4) return false;
  const auto at = [&](std::size_t i) { return std::to_integer<char>(file[kOffset + i]); };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return at(0) == 'E' && at(1) == 'T' && is_digit(at(2)) && is_digit(at(3));
}

Result<void> check_whole(Bytes file, std::string_view name) {
  auto container = open_container(file, messages_of(name));
  if (container) return {};
  return std::unexpected(std::move(container).error());
}

Result<formats::Model> read(Bytes file, std::string_view name, const formats::ReadOptions& options) {
  try {
    auto aligned = AlignedFile::of(file);
    if (!aligned) return std::unexpected(std::move(aligned).error());
    auto verified = verify_program(aligned->bytes, name);
    if (!verified) return std::unexpected(std::move(verified).error());
    Program& program = verified->program;
    formats::Model model;
    model.metadata = read_metadata(program, name);
    const auto& named = model.metadata.labels;
    const std::size_t labels = options.labels == 0 && named && *named ? (*named)->size() : options.labels;
    model.contract = formats::read_contract(program.inputs, program.outputs, name, labels);
    const std::size_t output = model.contract ? model.contract->shape.output_index : 0;
    model.graph = network_of(*verified, name, output, std::move(aligned->copy));
    model.operators = std::move(program.operators);
    model.delegates = std::move(program.delegates);
    model.other_engines = {.obstacle = std::string(program.fault_of_xnnpack),
                           .kept = std::move(program.payloads_in_use)};
    return model;
  } catch (const std::bad_alloc&) {
    return messages_of(name).too_large("no memory is left to read it");
  }
}

}  // namespace

formats::Metadata read_metadata(const Program& program, std::string_view name) {
  formats::Metadata metadata;
  if (const auto found = program.metadata.find(kLabels); found != program.metadata.end())
    metadata.labels = read_labels(found->second, name);
  if (program.metadata.contains(kMean) || program.metadata.contains(kStd))
    metadata.normalization = read_normalization(program, name);
  return metadata;
}

const formats::Format kFormat{.name = "pte", .recognizes = recognizes, .check_whole = check_whole, .read = read};

}  // namespace silhouette::pte
