#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "silhouette/download_patience.hpp"
#include "silhouette/error.hpp"
#include "silhouette/image_source.hpp"

namespace silhouette {

/// An image's encoded bytes may have this many at most, from whatever source.
inline constexpr std::uint64_t kMaxEncodedImageBytes = 256ULL << 20;

/// The text without the blanks around it that come along when something is pasted; as it is if a file is called so. All
/// of these functions look at sources this way.
std::string_view trim_source(std::string_view text);

/// Decides by form alone, except that bare text that could be a path or base64 is a path if such a file exists. Windows
/// paths
/// ("C:\…") are paths. A text with an unknown scheme ("foo://…") is kInvalidArgument, as is an empty one.
Result<SourceKind> classify_source(std::string_view text);

/// Path of a `file://` URI (percent-decoded; empty host or localhost). kInvalidArgument otherwise.
Result<std::string> path_from_file_uri(std::string_view uri);

/// Base64 (RFC 4648, standard or URL-safe alphabet, padding optional, white space skipped) → bytes. kInvalidArgument
/// names the position of the first wrong character.
Result<std::vector<std::byte>> decode_base64(std::string_view text);

/// The bytes behind an image's source text, at most kMaxEncodedImageBytes. Errors name the source (shortened where
/// long). kInvalidArgument, kFileNotFound, kIoError, kDownloadFailed, kLimitExceeded, kCancelled.
Result<std::vector<std::byte>> read_source(const std::string& text, std::stop_token stop,
                                           const DownloadPatience& patience = {});

/// A source as messages show it: without line breaks, user info and query secrets, and not longer than a line.
std::string display_source(std::string_view text);

}  // namespace silhouette
