#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "silhouette/error.hpp"

namespace silhouette {

/// SHA-256 (FIPS 180-4) as 64 small hexadecimal digits.
Result<std::string> sha256_hex(std::span<const std::byte> bytes);
Result<std::string> sha256_hex(std::string_view text);

/// The same of a file's content.
Result<std::string> sha256_of_file(const std::filesystem::path& path);

/// The text in small letters. kInvalidArgument unless it is 64 hexadecimal digits.
Result<std::string> normalize_sha256(std::string_view text);

}  // namespace silhouette
