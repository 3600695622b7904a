#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace silhouette::cli {

/// A finite number, with a decimal point whatever the locale.
std::optional<double> parse_decimal(std::string_view text);

std::optional<std::int64_t> parse_whole(std::string_view text);

/// A number of bytes: "1000", "500MB" (powers of 1000), "1.5 GiB" (powers of 1024).
std::optional<std::uint64_t> parse_size(std::string_view text);

/// Whether text is a number as many languages write it: "0,5".
bool has_decimal_comma(std::string_view text);

}  // namespace silhouette::cli
