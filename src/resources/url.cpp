#include "resources/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "resources/source.hpp"

namespace silhouette {
namespace {

constexpr std::string_view kSchemeEnd = "://";

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::optional<unsigned> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char l = lower(c);
  if (l >= 'a' && l <= 'f') return static_cast<unsigned>(l - 'a') + 10;
  return std::nullopt;
}

/// Where the host (with user info and port) starts and ends.
struct Authority {
  std::size_t begin;
  std::size_t end;
};

Authority find_authority(std::string_view url) noexcept {
  const auto scheme = url.find(kSchemeEnd);
  const std::size_t begin = scheme == url.npos ? 0 : scheme + kSchemeEnd.size();
  return {begin, std::min(url.find_first_of("/?#", begin), url.size())};
}

}  // namespace

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(), [](char p, char t) { return p == lower(t); });
}

Result<std::string> percent_decode(std::string_view text, std::string_view what) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const auto high = i + 1 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
    if (!high || !low) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} has a '%' without two hexadecimal digits at character {}; write a plain percent sign "
                              "as %25",
                              what, i + 1));
    }
    decoded.push_back(static_cast<char>(*high * 16 + *low));
    i += 2;
  }
  return decoded;
}

std::string escape_url(std::string_view url) {
  const auto path = find_authority(url).end;
  std::string escaped(url.substr(0, path));
  for (const char c : url.substr(path)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == ' ' || byte >= 0x80) {
      escaped += fmt::format("%{:02X}", byte);
    } else {
      escaped.push_back(c);
    }
  }
  return escaped;
}

std::string redact_url(std::string_view url) {
  const auto [begin, end] = find_authority(url);
  const auto at = url.substr(begin, end - begin).rfind('@');
  const auto host = at == url.npos ? begin : begin + at + 1;
  const auto path_end = std::min(url.find_first_of("?#", end), url.size());
  std::string shown(url.substr(0, begin));
  shown += url.substr(host, path_end - host);
  if (path_end < url.size() && url[path_end] == '?') shown += "?…";
  return shown;
}

Result<std::string> replace_origin(std::string_view url, std::string_view origin, std::string_view what) {
  const auto [begin, end] = find_authority(origin);
  const bool web = starts_with_ignoring_case(origin, "http://") || starts_with_ignoring_case(origin, "https://");
  if (!web || begin == end || origin.find_first_of("?#") != origin.npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is '{}'; it must be like https://mirror.example or https://mirror.example/folder", what,
                            display_source(origin)));
  }
  while (origin.ends_with('/')) origin.remove_suffix(1);
  return std::string(origin) + std::string(url.substr(find_authority(url).end));
}

std::string_view url_file_name(std::string_view url) noexcept {
  const auto path = find_authority(url).end;
  auto name = url.substr(path, std::min(url.find_first_of("?#", path), url.size()) - path);
  if (const auto slash = name.rfind('/'); slash != name.npos) name.remove_prefix(slash + 1);
  return name;
}

}  // namespace silhouette
