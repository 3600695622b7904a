#include "numbers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

#include "format.hpp"

namespace silhouette::cli {
namespace {

template <typename T>
std::optional<T> parse(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> parse_decimal(std::string_view text) {
  const auto value = parse<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::int64_t> parse_whole(std::string_view text) {
  return parse<std::int64_t>(text);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "kmgt";
  constexpr double kTooLarge = 0x1p63;
  const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = parse_decimal(text.substr(0, digits));
  text.remove_prefix(digits);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::string unit = lower(text);
  if (unit.ends_with('b')) unit.pop_back();
  const double base = unit.ends_with('i') ? 1024 : 1000;
  if (unit.size() == 2 && unit.ends_with('i')) unit.pop_back();
  const auto at = kUnits.find(unit);
  if (!number || unit.size() > 1 || at == kUnits.npos) return std::nullopt;
  const double bytes = *number * std::pow(base, unit.empty() ? 0 : at + 1);
  return bytes < kTooLarge ? std::optional(static_cast<std::uint64_t>(bytes)) : std::nullopt;
}

bool has_decimal_comma(std::string_view text) {
  const auto comma = text.find(',');
  if (comma == text.npos || comma == 0) return false;
  std::string point(text);
  point[comma] = '.';
  return parse_decimal(point).has_value() || parse_size(point).has_value();
}

}  // namespace silhouette::cli
