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

/// Makes 0, 1 and 2 descriptors that can't be used where the process was started without them: the next file that is
/// opened would become standard output.
void reserve_standard_descriptors();

/// Whether a path names something of the process or a device, and no place for files: /dev/stdin, /dev/fd/63.
bool is_in_system_folder(const std::filesystem::path& path);

/// Whether a path is a pipe or a device, which can be read once and from its beginning only.
bool is_stream(const std::filesystem::path& path);

/// Where a path leads, links followed, also those to what isn't there yet.
std::filesystem::path resolved(const std::filesystem::path& path);

/// Writes `parts` one after the other as a file that is whole or not there at all: a hidden temporary file beside it,
/// renamed at the end. A link is followed, be there something at its end or not. What is no regular file (a pipe, a
/// device) is written to as it is.
Result<void> write_file(const std::filesystem::path& path, std::span<const std::span<const std::byte>> parts);

/// Makes a folder and those above it.
Result<void> make_folder(const std::filesystem::path& path);

/// A text file of at most `max_bytes`.
Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// How messages call what `read_stream` reads.
std::string shown_stream(const std::string& path);

/// All of a pipe or device, or of standard input if that is "-", at most `max_bytes`. kInvalidImage if nothing comes.
/// Gives up with kCancelled when `wake_descriptor` becomes readable.
Result<std::vector<std::byte>> read_stream(const std::string& path, std::uint64_t max_bytes, int wake_descriptor);

}  // namespace silhouette::cli
