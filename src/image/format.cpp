#include "image/format.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace silhouette {
namespace {

enum Index : std::size_t { kJpeg, kPng, kWebp, kGif, kTiff, kPpm, kHeif, kJxl, kFormatCount };

constexpr std::array<ImageFormat, kFormatCount> kFormats = {{
    {"JPEG", "jpegload_source", "VipsForeignLoadJpeg", nullptr, "jpeg", false},
    {"PNG", "pngload_source", "VipsForeignLoadPng", nullptr, "png", false},
    {"WebP", "webpload_source", "VipsForeignLoadWebp", nullptr, "webp", false},
    {"GIF", "gifload_source", "VipsForeignLoadNsgif", nullptr, "gif", false},
    {"TIFF", "tiffload_source", "VipsForeignLoadTiff", nullptr, "tiff", false},
    {"PPM", "ppmload_source", "VipsForeignLoadPpm", nullptr, "ppm", false},
    {"HEIF/AVIF", "heifload_source", "VipsForeignLoadHeif", "vips-heif.so", "heif", true},
    {"JPEG XL", "jxlload_source", "VipsForeignLoadJxl", "vips-jxl.so", "jxl", true},
}};

struct Magic {
  std::string_view bytes;
  std::size_t offset;
  std::size_t format;           // kFormatCount for a format that isn't read
  std::string_view unreadable;  // then what it is
};

using std::string_view_literals::operator""sv;

constexpr Magic kMagics[] = {
    {"\xFF\xD8\xFF"sv, 0, kJpeg, {}},
    {"\x89PNG\r\n\x1A\n"sv, 0, kPng, {}},
    {"GIF87a"sv, 0, kGif, {}},
    {"GIF89a"sv, 0, kGif, {}},
    {"WEBP"sv, 8, kWebp, {}},
    {"II*\0"sv, 0, kTiff, {}},
    {"MM\0*"sv, 0, kTiff, {}},
    {"II+\0"sv, 0, kTiff, {}},
    {"MM\0+"sv, 0, kTiff, {}},
    {"\xFF\x0A"sv, 0, kJxl, {}},
    {"\0\0\0\x0CJXL \r\n\x87\n"sv, 0, kJxl, {}},
    {"%PDF"sv, 0, kFormatCount, "a PDF document"},
    {"BM"sv, 0, kFormatCount, "a BMP image"},
    {"\0\0\x01\0"sv, 0, kFormatCount, "a Windows icon"},
    {"8BPS"sv, 0, kFormatCount, "a Photoshop document"},
    {"\0\0\0\x0CjP  \r\n\x87\n"sv, 0, kFormatCount, "a JPEG 2000 image"},
    {"\xFF\x4F\xFF\x51"sv, 0, kFormatCount, "a JPEG 2000 image"},
    {"\x76\x2F\x31\x01"sv, 0, kFormatCount, "an OpenEXR image"},
    {"#?RADIANCE"sv, 0, kFormatCount, "a Radiance HDR image"},
    {"#?RGBE"sv, 0, kFormatCount, "a Radiance HDR image"},
    {"SIMPLE  ="sv, 0, kFormatCount, "a FITS image"},
    {"\x08\xF2\xA6\xB6"sv, 0, kFormatCount, "a libvips image"},
    {"\xB6\xA6\xF2\x08"sv, 0, kFormatCount, "a libvips image"},
    {"DICM"sv, 128, kFormatCount, "a DICOM image"},
    {"PK\x03\x04"sv, 0, kFormatCount, "a ZIP archive"},
    {"\x1F\x8B"sv, 0, kFormatCount, "gzip-compressed data"},
    {"P7\n"sv, 0, kFormatCount, "a PAM image"},
    {"PF\n"sv, 0, kFormatCount, "a PFM image"},
    {"Pf\n"sv, 0, kFormatCount, "a PFM image"},
    {"version https://git-lfs"sv, 0, kFormatCount, "a Git LFS pointer, not the image itself"},
};

// ISO base media files name their kind ("brand") in the box at the start, and more of them behind it.
bool is_heif(std::string_view head) {
  constexpr std::string_view kBrands[] = {"heic", "heix", "heim", "heis", "hevc",
                                          "hevx", "mif1", "msf1", "avif", "avis"};
  std::size_t box = 0;
  for (std::size_t i = 0; i < 4; ++i) box = box << 8 | static_cast<std::uint8_t>(head[i]);
  const std::size_t end = std::min(box, head.size());
  for (std::size_t at = 8; at + 4 <= end; at += 4) {
    // Bytes 12 to 15 are a version number.
    if (at != 12 && std::ranges::find(kBrands, head.substr(at, 4)) != std::end(kBrands)) return true;
  }
  return false;
}

bool is_netpbm(std::string_view head) {
  if (head.size() < 3 || head[0] != 'P' || ("123456"sv.find(head[1]) == std::string_view::npos)) return false;
  return " \t\r\n#"sv.find(head[2]) != std::string_view::npos;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains_ignoring_case(std::string_view text, std::string_view word) {
  return !std::ranges::search(text, word, {}, lower, lower).empty();
}

bool is_text(std::string_view head) {
  return std::ranges::none_of(head, [](char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    return byte < 0x09 || (byte > 0x0D && byte < 0x20 && byte != 0x1B) || byte == 0x7F;
  });
}

std::string_view kind_of_text(std::string_view head) {
  if (contains_ignoring_case(head, "<svg")) return "an SVG drawing";
  if (contains_ignoring_case(head, "<html") || contains_ignoring_case(head, "<!doctype html")) return "an HTML page";
  if (contains_ignoring_case(head, "<?xml")) return "an XML document";
  return "text";
}

}  // namespace

std::span<const ImageFormat> image_formats() noexcept {
  return kFormats;
}

SniffedFormat sniff_format(std::span<const std::byte> bytes) noexcept {
  constexpr std::size_t kHead = 1024;
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kHead));
  for (const Magic& magic : kMagics) {
    if (head.size() < magic.offset || !head.substr(magic.offset).starts_with(magic.bytes)) continue;
    if (magic.format == kFormatCount) return {.unreadable = magic.unreadable};
    if (magic.format == kWebp && !head.starts_with("RIFF")) continue;
    return {.readable = &kFormats[magic.format]};
  }
  if (is_netpbm(head)) return {.readable = &kFormats[kPpm]};
  if (head.size() >= 12 && head.substr(4, 4) == "ftyp") {
    if (is_heif(head)) return {.readable = &kFormats[kHeif]};
    return {.unreadable = "a video or another ISO media file"};
  }
  if (!head.empty() && is_text(head)) return {.unreadable = kind_of_text(head)};
  return {};
}

}  // namespace silhouette
