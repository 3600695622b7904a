#include "pipeline/class_ids.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/guard.hpp"
#include "resources/source.hpp"

namespace silhouette {
namespace {

constexpr std::string_view kArgmaxName = "ARGMAX";

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::equal(a, b, {}, upper, upper);
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(kSpace) - first + 1);
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
    return unknown(fmt::format("'{}'", display_source(*name)), labels);
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

Result<std::vector<int>> parse_classes(std::string_view text, std::span<const std::string> labels) {
  return guarded([&]() -> Result<std::vector<int>> {
    std::vector<int> channels;
    while (!text.empty()) {
      const auto end = std::min(text.find(','), text.size());
      const auto item = trimmed(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      const auto label =
          std::ranges::find_if(labels, [&](const auto& known) { return equal_ignoring_case(known, item); });
      int number = -1;
      const auto [rest, error] = std::from_chars(item.data(), item.data() + item.size(), number);
      const bool is_number = error == std::errc{} && rest == item.data() + item.size();
      if (label != labels.end()) {
        channels.push_back(static_cast<int>(label - labels.begin()));
      } else if (is_number && number >= 0 && static_cast<std::size_t>(number) < labels.size()) {
        channels.push_back(number);
      } else if (!item.empty() && !equal_ignoring_case(item, kArgmaxName)) {
        return unknown(fmt::format("'{}'", display_source(item)), labels);
      }
    }
    return channels;
  });
}

}  // namespace silhouette
