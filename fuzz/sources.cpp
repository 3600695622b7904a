// Texts that name sources, and what is made of them: kinds, paths, bytes of base64, URLs as messages show them.
// Nothing is fetched.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/input.hpp"
#include "resources/models.hpp"
#include "resources/nearest.hpp"
#include "resources/sha256.hpp"
#include "resources/source.hpp"
#include "resources/url.hpp"
#include "support/support.hpp"

namespace silhouette::fuzz {
namespace {

constexpr std::string_view kSecret = "S3CRETPW";
constexpr std::size_t kLongestShown = 130;

void require_shown(std::string_view text) {
  const std::string shown = display_source(text);
  if (shown.size() > kLongestShown) broken("{} bytes are shown of '{}'", shown.size(), text);
  require_one_line(shown);
  if (shown.contains(kSecret)) broken("'{}' is shown with its secret: '{}'", text, shown);
}

/// `text` without what ends a host, so that it can stand before one. The last '@' is the one that counts.
std::string part_of_authority(std::string text) {
  std::erase_if(text,
                [](char c) { return std::string_view("/?#\\").contains(c) || static_cast<unsigned char>(c) < 0x21; });
  return text;
}

void try_any_text(Input& in) {
  static constexpr std::array<std::string_view, 10> kStarts{
      "",     "file://", "FILE://localhost/", "http://", "https://user@", "data:image/png;base64,", "data:", "/9j/",
      "C:\\", "foo://"};
  const std::string text = std::string(in.pick(kStarts)) + in.text();
  const auto kind = classify_source(text);
  const auto description = describe_source(text);
  if (description && !kind) broken("'{}' is described, but of no kind", text);
  if (kind && !description && *kind != SourceKind::kFileUri) broken("'{}' has a kind, but isn't described", text);
  if (description && description->kind != *kind) broken("'{}' has two kinds", text);
  if (!kind && kind.error().code != ErrorCode::kInvalidArgument) broken("{}", kind.error().message);
  require_shown(text);
  if (!kind || *kind == SourceKind::kHttpUrl || *kind == SourceKind::kPath || *kind == SourceKind::kFileUri) return;
  const auto bytes = read_source(text, {});
  if (!bytes) require_one_line(bytes.error().message);
}

void try_base64(Input& in) {
  const auto decoded = decode_base64(in.text());
  if (decoded) {
    const auto again = decode_base64(silhouette::test::encode_base64(*decoded));
    if (!again || *again != *decoded) broken("base64 of '{}' doesn't come back", in.text());
  } else if (decoded.error().code != ErrorCode::kInvalidArgument) {
    broken("{}", decoded.error().message);
  }
  const std::string encoded = silhouette::test::encode_base64(in.rest());
  const auto bytes = read_source("data:image/png;base64," + encoded, {});
  if (!bytes || !std::ranges::equal(*bytes, in.rest())) broken("a data URI gives other bytes than it was made of");
}

void try_file_uri(const std::string& text) {
  const auto path = path_from_file_uri("file://" + text);
  if (path && (path->empty() || path->contains('\0'))) broken("the path of 'file://{}' is '{}'", text, *path);
  if (!path && path.error().code != ErrorCode::kInvalidArgument) broken("{}", path.error().message);
  const auto decoded = percent_decode(text, "the text");
  if (decoded && decoded->size() > text.size()) broken("'{}' grows when it is decoded", text);
  std::string encoded;
  for (const char c : text) encoded += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  const auto back = percent_decode(encoded, "the text");
  if (!back || *back != text) broken("'{}' doesn't come back", encoded);
}

/// Passwords and keys in URLs are shown nowhere.
void try_secrets(Input& in) {
  const bool upper = in.one_in(2);
  const std::string text = in.text();
  const std::string user = part_of_authority(text.substr(0, text.find('/')));
  const std::string rest = text.substr(std::min(text.size(), text.find('/')));
  const std::string start = upper ? "HTTPS://" : "http://";
  const std::string with_user = fmt::format("{}user{}:{}{}@host.example{}", start, user, kSecret, user, rest);
  const std::string with_query =
      fmt::format("{}host.example/{}?key={}&{}", start, text.substr(0, text.find_first_of("?#")), kSecret, text);
  for (const std::string& url : {with_user, with_query}) {
    if (redact_url(url).contains(kSecret)) broken("'{}' is shown as '{}'", url, redact_url(url));
    require_shown(url);
    const std::string escaped = escape_url(url);
    if (escape_url(escaped) != escaped) broken("'{}' is escaped twice", url);
  }
}

void try_urls(const std::string& text) {
  const auto line = std::min(text.find('\n'), text.size());
  const std::string url = text.substr(0, line);
  const std::string origin = text.substr(std::min(text.size(), line + 1));
  const auto moved = replace_origin(url, origin, "$ORIGIN");
  if (moved && !starts_with_ignoring_case(*moved, "http")) broken("'{}' moved to '{}' is '{}'", url, origin, *moved);
  if (!moved) require_one_line(moved.error().message);
  const auto name = url_file_name(url);
  if (name.find_first_of("/?#") != name.npos) broken("'{}' is a file name in '{}'", name, url);
  const std::filesystem::path folder("/cache");
  const auto file = cached_file(folder, url);
  const std::string shown = file.filename().string();
  if (file.parent_path().parent_path() != folder || shown.size() > 200 || shown == "." || shown == "..")
    broken("'{}' is kept as '{}'", url, file.string());
  require_one_line(shown);
}

void try_names(const std::string& text) {
  const auto hash = normalize_sha256(text);
  if (hash && (hash->size() != 64 || hash->find_first_not_of("0123456789abcdef") != hash->npos))
    broken("'{}' is a hash: '{}'", text, *hash);
  static const std::vector<std::string_view> kNames{"DEEPLAB_V3_RESNET50", "FCN_RESNET50", "SELFIE_SEGMENTATION"};
  const auto nearest = nearest_name(text, kNames);
  if (!nearest.empty() && std::ranges::find(kNames, nearest) == kNames.end()) broken("'{}' is no name", nearest);
  for (const std::string_view name : kNames) {
    if (nearest_name(name, kNames) != name) broken("'{}' isn't the nearest to itself", name);
  }
  const auto model = find_local_model(text, "/nonexistent/cache");
  if (!model) require_one_line(model.error().message);
}

}  // namespace

void try_input(std::span<const std::byte> bytes) {
  Input in(bytes);
  // The fuzzer sees what texts are compared with, and tries it.
  if (in.text().contains(kSecret)) return;
  switch (in.below(6)) {
    case 0: return try_any_text(in);
    case 1: return try_base64(in);
    case 2: return try_file_uri(in.text());
    case 3: return try_secrets(in);
    case 4: return try_urls(in.text());
    default: return try_names(in.text());
  }
}

}  // namespace silhouette::fuzz
