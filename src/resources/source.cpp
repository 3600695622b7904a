#include "resources/source.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <climits>
#include <exception>
#include <new>
#include <optional>
#include <span>

#include "base/file.hpp"
#include "resources/download.hpp"
#include "resources/url.hpp"

namespace silhouette {
namespace {

constexpr std::size_t kMaxShownBytes = 120;

/// Shorter texts are names of files before they are images: the smallest PNG has 90 characters of base64.
constexpr std::size_t kMinBase64Characters = 64;

/// An image on the web is fetched while somebody waits: one more try, soon.
constexpr int kImageRetries = 1;
constexpr int kImageFirstDelayMs = 200;

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_line_break(char c) noexcept {
  return c == '\r' || c == '\n';
}

bool is_windows_path(std::string_view text) noexcept {
  return text.size() >= 3 && is_letter(text[0]) && text[1] == ':' && (text[2] == '\\' || text[2] == '/');
}

/// "foo" of "foo://…", wherever that can't be part of a path.
std::optional<std::string_view> scheme_of(std::string_view text) noexcept {
  const auto end = text.find("://");
  if (end == text.npos || end == 0) return std::nullopt;
  const auto scheme = text.substr(0, end);
  const auto belongs = [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("+-._:").find(c) != std::string_view::npos;
  };
  if (!std::ranges::all_of(scheme, belongs)) return std::nullopt;
  return scheme;
}

bool exists(std::string_view path) {
  if (path.size() >= PATH_MAX) return false;
  struct stat status{};
  return ::stat(std::string(path).c_str(), &status) == 0;
}

/// Text that names no file is base64 if one of these holds:
/// - it starts as base64 of a JPEG, PNG, GIF, WebP or TIFF file does;
/// - it is longer than a path can be;
/// - it has at least 64 characters, all of base64's alphabets but for line breaks and final padding, and among them
///   capital and small letters and digits.
/// Malformed base64 is thereby still taken for base64 in the first two cases, which are those that matter: photos.
bool looks_like_base64(std::string_view text) {
  constexpr std::array<std::string_view, 6> kSignatures = {"/9j/",    "iVBORw0KGgo", "R0lGODd",
                                                           "R0lGODl", "SUkqA",       "TU0AK"};
  constexpr std::string_view kRiff = "UklGR";
  const auto start = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const auto body = text.substr(start);
  if (std::ranges::any_of(kSignatures, [&](auto signature) { return body.starts_with(signature); })) return true;
  if (body.starts_with(kRiff) || text.size() >= PATH_MAX) return true;

  const auto last = body.find_last_not_of("=\r\n");
  if (last == body.npos) return false;
  std::size_t digits = 0;
  std::size_t capitals = 0;
  std::size_t characters = 0;
  for (const char c : body.substr(0, last + 1)) {
    if (is_line_break(c)) continue;
    ++characters;
    if (is_digit(c)) {
      ++digits;
    } else if (c >= 'A' && c <= 'Z') {
      ++capitals;
    } else if (!is_letter(c) && std::string_view("+/-_").find(c) == std::string_view::npos) {
      return false;
    }
  }
  const bool mixed =
      digits > 0 && capitals > 0 && std::ranges::any_of(body, [](char c) { return c >= 'a' && c <= 'z'; });
  return characters >= kMinBase64Characters && mixed;
}

Error about(std::string_view source, Error error) {
  error.message = fmt::format("'{}': {}", display_source(source), error.message);
  return error;
}

std::unexpected<Error> too_large(std::string_view source) {
  return fail(ErrorCode::kLimitExceeded, fmt::format("'{}' has more than the {} MiB that an image file may have",
                                                     display_source(source), kMaxEncodedImageBytes >> 20));
}

/// Upper bound of base64 text that can hold an image: 4 characters for 3 bytes, and two for a line break every 32.
constexpr std::size_t kMaxBase64Characters = kMaxEncodedImageBytes / 3 * 4 / 16 * 17;

Result<std::vector<std::byte>> read_base64(std::string_view source, std::string_view text) {
  if (text.size() > kMaxBase64Characters) return too_large(source);
  auto bytes = decode_base64(text);
  if (!bytes) return std::unexpected(about(source, std::move(bytes.error())));
  if (bytes->size() > kMaxEncodedImageBytes) return too_large(source);
  return bytes;
}

/// RFC 2397: data:[mediatype][;base64],data.
Result<std::vector<std::byte>> read_data_uri(std::string_view uri) {
  const auto comma = uri.find(',');
  if (comma == uri.npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' has no comma; a data URI is like data:image/png;base64,iVBOR…", display_source(uri)));
  }
  const auto header = uri.substr(0, comma);
  const auto payload = uri.substr(comma + 1);
  if (payload.size() > kMaxBase64Characters * 3) return too_large(uri);
  std::string decoded;
  std::string_view data = payload;
  if (payload.find('%') != payload.npos) {
    auto result = percent_decode(payload, "the data behind the comma");
    if (!result) return std::unexpected(about(uri, std::move(result.error())));
    decoded = std::move(*result);
    data = decoded;
  }
  constexpr std::string_view kBase64 = ";base64";
  if (header.size() > kBase64.size() &&
      starts_with_ignoring_case(header.substr(header.size() - kBase64.size()), kBase64)) {
    return read_base64(uri, data);
  }
  if (data.size() > kMaxEncodedImageBytes) return too_large(uri);
  const auto bytes = std::as_bytes(std::span(data));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

Result<std::vector<std::byte>> read_path(const std::string& source, const std::string& path) {
  auto bytes = read_file(path, kMaxEncodedImageBytes);
  if (!bytes && bytes.error().code == ErrorCode::kFileNotFound) {
    return fail(ErrorCode::kFileNotFound,
                fmt::format("there is no file '{}'; give the path of an image, a URL, a data: URI or base64 text",
                            display_source(source)));
  }
  return bytes;
}

Result<std::vector<std::byte>> read_url(const std::string& url, std::stop_token stop,
                                        const DownloadPatience& patience) {
  DownloadLimits limits;
  limits.max_bytes = kMaxEncodedImageBytes;
  limits.retries = kImageRetries;
  set_patience(limits, patience, std::chrono::minutes(5));
  limits.first_delay = std::chrono::milliseconds(kImageFirstDelayMs);
  return download_bytes(url, limits, std::move(stop));
}

Result<std::vector<std::byte>> read_classified(const std::string& source, std::stop_token stop,
                                               const DownloadPatience& patience) {
  const std::string text(trim_source(source));
  const auto kind = classify_source(text);
  if (!kind) return std::unexpected(kind.error());
  switch (*kind) {
    case SourceKind::kPath: return read_path(text, text);
    case SourceKind::kFileUri: {
      const auto path = path_from_file_uri(text);
      if (!path) return std::unexpected(path.error());
      return read_path(text, *path);
    }
    case SourceKind::kHttpUrl: return read_url(text, std::move(stop), patience);
    case SourceKind::kDataUri: return read_data_uri(text);
    case SourceKind::kBase64: return read_base64(text, text);
  }
  return fail(ErrorCode::kInternal, "unknown kind of source");
}

/// `text` cut to at most `size` bytes at its end, between characters of UTF-8.
std::string_view head_of(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

std::string_view tail_of(std::string_view text, std::size_t size) {
  if (text.size() <= size) return text;
  std::size_t start = text.size() - size;
  while (start < text.size() && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) ++start;
  return text.substr(start);
}

}  // namespace

std::string_view trim_source(std::string_view text) {
  // Besides ASCII's: no-break space, zero-width space and byte order mark in UTF-8.
  constexpr std::array<std::string_view, 9> kBlanks{" ", "\t", "\r", "\n", "\v", "\f", "\u00a0", "\u200b", "\ufeff"};
  auto trimmed = text;
  const auto strip = [&](auto has, auto remove) {
    const auto* const blank = std::ranges::find_if(kBlanks, has);
    if (blank == kBlanks.end()) return false;
    remove(blank->size());
    return true;
  };
  while (strip([&](auto blank) { return trimmed.starts_with(blank); },
               [&](std::size_t size) { trimmed.remove_prefix(size); })) {
  }
  while (strip([&](auto blank) { return trimmed.ends_with(blank); },
               [&](std::size_t size) { trimmed.remove_suffix(size); })) {
  }
  if (trimmed.size() == text.size() || text.find('\0') != text.npos) return text;
  return exists(text) ? text : trimmed;
}

Result<SourceKind> classify_source(std::string_view source) {
  const auto text = trim_source(source);
  if (text.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the source is empty; give a path, a URL, a data: URI or base64 text");
  }
  if (text.find('\0') != text.npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the source '{}' contains a NUL character", display_source(text)));
  }
  if (is_windows_path(text)) return SourceKind::kPath;
  if (starts_with_ignoring_case(text, "http://") || starts_with_ignoring_case(text, "https://")) {
    return SourceKind::kHttpUrl;
  }
  if (starts_with_ignoring_case(text, "file:/")) return SourceKind::kFileUri;
  if (starts_with_ignoring_case(text, "data:")) return SourceKind::kDataUri;
  if (const auto scheme = scheme_of(text)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' has the unknown scheme '{}'; known are http, https, file and data",
                            display_source(text), head_of(*scheme, 40)));
  }
  return !exists(text) && looks_like_base64(text) ? SourceKind::kBase64 : SourceKind::kPath;
}

Result<std::string> path_from_file_uri(std::string_view uri) {
  constexpr std::string_view kScheme = "file:";
  const auto invalid = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' {}; a file URI is like file:///home/me/a%20photo.jpg", display_source(uri), why));
  };
  if (!starts_with_ignoring_case(uri, kScheme)) return invalid("is no file URI");
  auto rest = uri.substr(kScheme.size());
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto host = rest.substr(0, std::min(rest.find('/'), rest.size()));
    if (!host.empty() && !(host.size() == 9 && starts_with_ignoring_case(host, "localhost"))) {
      return invalid("names another computer");
    }
    rest.remove_prefix(host.size());
  }
  if (!rest.starts_with('/')) return invalid("has no absolute path");
  auto path = percent_decode(rest, fmt::format("'{}'", display_source(uri)));
  if (!path) return std::unexpected(std::move(path.error()));
  if (path->find('\0') != path->npos) return invalid("contains a NUL character");
  // file:///C:/… is how Windows' own programs write C:\….
  if (is_windows_path(std::string_view(*path).substr(1))) path->erase(0, 1);
  return path;
}

Result<std::vector<std::byte>> read_source(const std::string& text, std::stop_token stop,
                                           const DownloadPatience& patience) {
  try {
    return read_classified(text, std::move(stop), patience);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("no memory to read '{}'; end other programs", display_source(text)));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, fmt::format("reading '{}' failed: {}", display_source(text), error.what()));
  }
}

Result<SourceDescription> describe_source(std::string_view source) {
  try {
    const auto text = trim_source(source);
    const auto kind = classify_source(text);
    if (!kind) return std::unexpected(kind.error());
    SourceDescription description{*kind, display_source(text), {}};
    if (*kind == SourceKind::kPath) description.path = text;
    if (*kind == SourceKind::kFileUri) {
      auto path = path_from_file_uri(text);
      if (!path) return std::unexpected(std::move(path.error()));
      description.path = std::move(*path);
    }
    return description;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kLimitExceeded, "no memory to look at the source; end other programs");
  }
}

std::string display_source(std::string_view text) {
  std::string shown;
  if (starts_with_ignoring_case(text, "http://") || starts_with_ignoring_case(text, "https://")) {
    shown = redact_url(text);
  } else if (starts_with_ignoring_case(text, "data:")) {
    constexpr std::size_t kShown = 40;
    shown = head_of(text, kShown);
    if (text.size() > kShown) shown += fmt::format("… ({} characters)", text.size());
  } else if (text.size() >= PATH_MAX) {
    shown = fmt::format("{}… ({} characters)", head_of(text, 40), text.size());
  } else {
    shown = text;
  }
  std::ranges::replace_if(shown, [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  if (shown.size() <= kMaxShownBytes) return shown;
  // Both ends tell most: where it is, and what it is called.
  return fmt::format("{}…{}", head_of(shown, kMaxShownBytes / 2 - 2), tail_of(shown, kMaxShownBytes / 2 - 1));
}

}  // namespace silhouette
