#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "silhouette/error.hpp"
#include "silhouette/export.hpp"
#include "silhouette/pixels.hpp"

namespace silhouette {

/// Names of the encoded formats that images may have with the libraries that are installed, in the order in which
/// messages name them: "JPEG", "PNG" …. Empty if libvips can't be started, or if this process was made by fork() while
/// another thread was reading an image.
[[nodiscard]] SILHOUETTE_API std::vector<std::string> readable_image_formats();

/// Where an image comes from. Reading happens in `forward`, which reports what is wrong with it.
class ImageSource {
 public:
  /// A path, `file://` URI, `http(s)://` URL, `data:` URI or base64 text (plain or URL-safe, line breaks allowed).
  ImageSource(std::string text) : value_(std::move(text)) {}  // NOLINT(google-explicit-constructor): meant to convert
  ImageSource(const char* text)
      : value_(std::string(text == nullptr ? "" : text)) {}  // NOLINT(google-explicit-constructor)

  /// The bytes of an encoded image (JPEG, PNG, …), borrowed until the call returns.
  static ImageSource encoded(std::span<const std::byte> bytes) { return ImageSource(Value(bytes)); }

  /// Raw pixels, borrowed until the call returns. Alpha is flattened on white.
  static ImageSource pixels(PixelView view) { return ImageSource(Value(view)); }

  using Value = std::variant<std::string, std::span<const std::byte>, PixelView>;
  [[nodiscard]] const Value& value() const { return value_; }

 private:
  explicit ImageSource(Value value) : value_(std::move(value)) {}
  Value value_;
};

/// What a source text turned out to be.
enum class SourceKind : std::uint8_t { kPath, kFileUri, kHttpUrl, kDataUri, kBase64 };

/// How `forward` takes a source text.
struct SourceDescription {
  SourceKind kind = SourceKind::kPath;
  std::string shown;  ///< as messages show it: one line, not long, and without what a URL keeps secret
  std::string path;   ///< of the file that a path or file URI names; otherwise empty
};

/// Decides by form alone, except that text which could be a path or base64 is a path if there is such a file; reads
/// nothing. kInvalidArgument for what can't be any of these, such as an unknown scheme. Thread-safe.
[[nodiscard]] SILHOUETTE_API Result<SourceDescription> describe_source(std::string_view text);

}  // namespace silhouette
