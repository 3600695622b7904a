#include "resources/response_head.hpp"

#include <charconv>

#include "resources/url.hpp"

namespace silhouette {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is(std::string_view text, std::string_view wanted) {
  return text.size() == wanted.size() && starts_with_ignoring_case(text, wanted);
}

/// RFC 9110, 14.4: "bytes 7-99/100", or "…/*" where the size isn't known.
void parse_content_range(std::string_view value, ResponseHead& head) {
  constexpr std::string_view kUnit = "bytes ";
  if (!starts_with_ignoring_case(value, kUnit)) return;
  value.remove_prefix(kUnit.size());
  const auto dash = value.find('-');
  const auto slash = value.find('/');
  if (dash == value.npos || slash == value.npos) return;
  head.range_start = parse_number(value.substr(0, dash));
  head.range_total = parse_number(value.substr(slash + 1));
}

}  // namespace

void ResponseHead::read(std::string_view line) {
  line = trim(line);
  if (starts_with_ignoring_case(line, "http/")) {
    // A new response: after a redirect, or after "100 Continue".
    *this = {};
    const auto space = line.find(' ');
    if (space != line.npos) status = static_cast<int>(parse_number(line.substr(space + 1, 3)).value_or(0));
    return;
  }
  const auto colon = line.find(':');
  if (colon == line.npos) return;
  const auto name = line.substr(0, colon);
  const auto value = trim(line.substr(colon + 1));
  if (is(name, "content-length")) {
    content_length = parse_number(value);
  } else if (is(name, "content-range")) {
    parse_content_range(value, *this);
  } else if (is(name, "content-encoding")) {
    encoded = encoded || (!value.empty() && !is(value, "identity"));
  } else if (is(name, "etag") && value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
    etag = value;
  }
}

void ResponseHead::finish() {
  // Lengths and versions are those of the compressed bytes, or of what the proxy had before it changed them.
  if (encoded) content_length.reset();
  if (encoded || status == kStatusTransformed) etag.clear();
}

}  // namespace silhouette
