#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace silhouette::cli {

/// Text from outside as a terminal may be shown it: control characters, which could move its cursor or change its
/// title, become spaces.
std::string printable(std::string_view text);

/// Columns that UTF-8 text takes, counting one for each code point.
std::size_t display_width(std::string_view text);

/// Text cut to so many columns, with "…" where something is missing.
std::string shorten(std::string_view text, std::size_t columns);

/// Text cut to so many bytes, at a character's end.
std::string cut(std::string_view text, std::size_t bytes);

/// Text without blanks, tabs and carriage returns around it.
std::string_view trimmed(std::string_view text);

/// The parts between separators, trimmed.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Text filled up with spaces to so many columns.
std::string padded(std::string_view text, std::size_t columns);

/// 1234567 → "1,234,567".
std::string grouped(std::uint64_t number);

/// 168000000 → "168 MB".
std::string byte_size(std::uint64_t bytes);

/// ASCII letters in lower case.
std::string lower(std::string_view text);

/// Colour of a class in the PASCAL VOC palette: the bits of the number dealt out to red, green and blue from their
/// highest bit down (VOC devkit, VOClabelcolormap).
std::array<std::uint8_t, 3> class_color(int class_number);

/// Two columns in a class's colour if `colored`, otherwise nothing.
std::string swatch(int class_number, bool colored);

}  // namespace silhouette::cli
