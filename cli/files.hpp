#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "silhouette/error.hpp"

namespace silhouette::cli {

/// Writes everything to a descriptor; false with errno set if that fails.
bool write_all(int descriptor, std::span<const std::byte> bytes);

/// Writes `parts` one after the other as a file that is whole or not there at all: a hidden temporary file beside it,
/// renamed at the end. A link is followed. What is no regular file (a pipe, a device) is written to as it is.
Result<void> write_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts);

/// Makes a folder and those above it.
Result<void> make_folder(const std::filesystem::path& path);

/// A text file of at most `max_bytes`.
Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// All of standard input, at most `max_bytes`. Gives up with kCancelled when `wake_descriptor` becomes readable.
Result<std::vector<std::byte>> read_standard_input(std::uint64_t max_bytes, int wake_descriptor);

}  // namespace silhouette::cli
