#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>

namespace silhouette {

/// Order and number of the 8-bit samples of one pixel.
enum class PixelFormat : std::uint8_t { kGray = 1, kRgb = 3, kRgba = 4 };

/// Uncompressed 8-bit sRGB pixels owned by the caller; they must stay valid until the call that reads them returns.
struct PixelView {
  std::span<const std::byte> bytes;
  int width = 0;   ///< pixels, ≥ 1
  int height = 0;  ///< pixels, ≥ 1
  PixelFormat format = PixelFormat::kRgb;
  std::size_t stride = 0;  ///< bytes from row to row; 0 = width × samples
};

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

}  // namespace silhouette
