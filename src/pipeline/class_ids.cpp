#include "pipeline/class_ids.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace silhouette {
namespace {

constexpr std::string_view kArgmaxName = "ARGMAX";

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::equal(a, b, {}, upper, upper);
}

std::unexpected<Error> unknown(const std::string& what, std::span<const std::string> labels) {
  constexpr std::size_t kShown = 32;
  const auto shown = labels.first(std::min(labels.size(), kShown));
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the model has no class {}; it has {} (0 … {}): {}{}", what, labels.size(), labels.size() - 1,
                          fmt::join(shown, ", "), shown.size() < labels.size() ? ", …" : ""));
}

}  // namespace

Result<int> resolve_class(const ClassId& id, std::span<const std::string> labels) {
  if (const auto* name = std::get_if<std::string>(&id.value())) {
    const auto found = std::ranges::find(labels, *name);
    if (found != labels.end()) return static_cast<int>(found - labels.begin());
    if (*name == kArgmaxName) return -1;
    return unknown(fmt::format("'{}'", *name), labels);
  }
  int channel = 0;
  if (const auto* label = std::get_if<DeeplabLabel>(&id.value())) {
    if (*label == DeeplabLabel::kArgmax) return -1;
    channel = static_cast<int>(*label);
  } else {
    channel = std::get<int>(id.value());
  }
  if (channel < 0 || static_cast<std::size_t>(channel) >= labels.size())
    return unknown(std::to_string(channel), labels);
  return channel;
}

Result<std::vector<int>> resolve_classes(std::span<const ClassId> ids, std::span<const std::string> labels) {
  std::vector<int> channels;
  for (const auto& id : ids) {
    auto channel = resolve_class(id, labels);
    if (!channel) return std::unexpected(std::move(channel.error()));
    if (*channel >= 0) channels.push_back(*channel);
  }
  std::ranges::sort(channels);
  channels.erase(std::ranges::unique(channels).begin(), channels.end());
  return channels;
}

int background_class(std::span<const std::string> labels) noexcept {
  const auto found =
      std::ranges::find_if(labels, [](const auto& label) { return equal_ignoring_case(label, "background"); });
  return found == labels.end() ? -1 : static_cast<int>(found - labels.begin());
}

}  // namespace silhouette
