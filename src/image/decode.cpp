#include "image/decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "image/exif.hpp"
#include "image/format.hpp"
#include "image/pixels.hpp"
#include "image/vips_runtime.hpp"
#include "silhouette/image_source.hpp"

namespace silhouette {
namespace {

using VipsImagePtr = ObjectPtr<VipsImage>;

// Rows that are decoded at a time: enough that the calls don't count, few enough that they stay in cache.
constexpr std::size_t kBandBytes = std::size_t{768} * 1024;
constexpr int kLeastBandRows = 16;

std::string format_list() {
  std::string list;
  const auto formats = readable_image_formats();
  for (std::size_t i = 0; i < formats.size(); ++i) {
    list += formats[i];
    if (i + 1 < formats.size()) list += i + 2 == formats.size() ? " or " : ", ";
  }
  return list;
}

std::unexpected<Error> unsupported(std::string_view name, std::string_view what) {
  return fail(ErrorCode::kUnsupportedImage, fmt::format("'{}' is {}; give {}", name, what, format_list()));
}

// One decoding: what all steps need to know of it.
class Decoding {
 public:
  Decoding(std::span<const std::byte> bytes, std::string_view name, const ImageFormat& format)
      : bytes_(bytes), name_(name), format_(format) {}

  Result<Image> run() {
    auto loaded = load();
    if (!loaded) return std::unexpected(std::move(loaded.error()));
    const int orientation = orientation_of(loaded->get());
    auto converted = convert(std::move(*loaded));
    if (!converted) return std::unexpected(std::move(converted.error()));
    return read(converted->get(), orientation);
  }

 private:
  // The header only; pixels are decoded when they are asked for.
  Result<VipsImagePtr> load() {
    const ObjectPtr<VipsSource> source(vips_source_new_from_memory(bytes_.data(), bytes_.size()));
    if (source == nullptr) return broken();
    VipsImage* header = nullptr;
    // Loaders without a streaming mode must not fall back on a temporary file, whatever the size.
    const gboolean whole = format_.loader == std::string_view("webpload_source") ? TRUE : FALSE;
    if (vips_call(format_.loader, source.get(), &header, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                  VIPS_FAIL_ON_ERROR, "memory", whole, nullptr) != 0) {
      return broken();
    }
    VipsImagePtr image(header);
    const int width = vips_image_get_width(header);
    const int height = vips_image_get_height(header);
    if (width > kMaxImageSide || height > kMaxImageSide || std::int64_t{width} * height > kMaxImagePixels) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("'{}' has {} × {} pixels; the limits are {} a side and {} million in all", name_, width,
                              height, kMaxImageSide, kMaxImagePixels / 1'000'000));
    }
    if (!has_defined_colours(header)) {
      return fail(ErrorCode::kUnsupportedImage,
                  fmt::format("'{}' has {} channels of type {}; give 1 to 4 of 8 or 16 bits", name_,
                              vips_image_get_bands(header),
                              vips_enum_nick(VIPS_TYPE_BAND_FORMAT, vips_image_get_format(header))));
    }
    return image;
  }

  int orientation_of(VipsImage* image) const {
    if (format_.upright) return 1;
    if (vips_image_get_typeof(image, VIPS_META_ORIENTATION) != 0) return vips_image_get_orientation(image);
    // libvips hands out what a PNG has without looking into it.
    const void* block = nullptr;
    std::size_t size = 0;
    if (vips_image_get_typeof(image, VIPS_META_EXIF_NAME) == 0 ||
        vips_image_get_blob(image, VIPS_META_EXIF_NAME, &block, &size) != 0) {
      return 1;
    }
    return exif_orientation({static_cast<const std::byte*>(block), size});
  }

  // TIFF holds any kind of number; without a colour space nothing tells which value of a float is white.
  static bool has_defined_colours(VipsImage* image) {
    const auto interpretation = vips_image_get_interpretation(image);
    if (vips_image_get_bands(image) > 5) return false;
    if (vips_image_get_coding(image) != VIPS_CODING_NONE) return vips_image_get_coding(image) == VIPS_CODING_LABQ;
    switch (vips_image_get_format(image)) {
      case VIPS_FORMAT_UCHAR:
      case VIPS_FORMAT_USHORT: return true;
      case VIPS_FORMAT_SHORT: return interpretation == VIPS_INTERPRETATION_LABS;
      case VIPS_FORMAT_FLOAT:
        return interpretation == VIPS_INTERPRETATION_LAB || interpretation == VIPS_INTERPRETATION_XYZ ||
               interpretation == VIPS_INTERPRETATION_scRGB;
      default: return false;
    }
  }

  // To 8 bits of grey or sRGB, with or without alpha.
  Result<VipsImagePtr> convert(VipsImagePtr image) {
    image = scale_netpbm(std::move(image));
    if (image == nullptr) return broken();
    const bool cmyk = vips_image_get_interpretation(image.get()) == VIPS_INTERPRETATION_CMYK;
    if (cmyk || (has_profile(image.get()) && !is_srgb_profile(image.get()))) {
      const bool deep = vips_image_get_format(image.get()) == VIPS_FORMAT_USHORT;
      VipsImage* transformed = nullptr;
      if (vips_icc_transform(image.get(), &transformed, "srgb", "embedded", TRUE, "input_profile",
                             cmyk ? "cmyk" : nullptr, "intent", VIPS_INTENT_RELATIVE, "depth", deep ? 16 : 8,
                             nullptr) == 0) {
        image.reset(transformed);
        parallel_ = true;
      } else {
        // A profile that can't be used is as good as none.
        vips_error_clear();
      }
    }
    if (is_plain(image.get())) return image;
    VipsImage* plain = nullptr;
    if (vips_colourspace(image.get(), &plain, VIPS_INTERPRETATION_sRGB, nullptr) != 0) return broken();
    image.reset(plain);
    parallel_ = true;
    if (vips_image_get_format(plain) != VIPS_FORMAT_UCHAR || vips_image_get_bands(plain) > 4) {
      return fail(ErrorCode::kUnsupportedImage,
                  fmt::format("'{}' has colours that can't be converted to sRGB; save it as 8-bit RGB first", name_));
    }
    return image;
  }

  // Netpbm files say what value is white; libvips leaves that to its caller.
  static VipsImagePtr scale_netpbm(VipsImagePtr image) {
    constexpr const char* kField = "ppm-max-value";
    if (vips_image_get_typeof(image.get(), kField) == 0) return image;
    double white = 0;
    if (vips_image_get_double(image.get(), kField, &white) != 0 || white <= 0) return image;
    const bool deep = vips_image_get_format(image.get()) == VIPS_FORMAT_USHORT;
    if (white == (deep ? 65535 : 255)) return image;
    VipsImage* scaled = nullptr;
    // The half makes the cast, which truncates, round.
    if (vips_linear1(image.get(), &scaled, 255.0 / white, 0.5, "uchar", TRUE, nullptr) != 0) return nullptr;
    VipsImagePtr result(scaled);
    VipsImage* tagged = nullptr;
    if (vips_copy(scaled, &tagged, "interpretation",
                  vips_image_get_bands(scaled) < 3 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB,
                  nullptr) != 0) {
      return nullptr;
    }
    return VipsImagePtr(tagged);
  }

  static bool has_profile(VipsImage* image) {
    const auto format = vips_image_get_format(image);
    return vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0 &&
           (format == VIPS_FORMAT_UCHAR || format == VIPS_FORMAT_USHORT);
  }

  // Whether the profile only says that the pixels are what they would be taken for without it: most embedded ones do.
  // Sixteen levels of each channel go through the transform to see.
  static bool is_srgb_profile(VipsImage* image) {
    constexpr int kLevels = 16;
    constexpr int kProbes = kLevels * kLevels * kLevels;
    if (vips_image_get_format(image) != VIPS_FORMAT_UCHAR || vips_image_get_bands(image) < 3 ||
        vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK) {
      return false;
    }
    const void* profile = nullptr;
    std::size_t size = 0;
    if (vips_image_get_blob(image, VIPS_META_ICC_NAME, &profile, &size) != 0) return false;
    std::vector<std::uint8_t> probes;
    probes.reserve(kProbes * 3);
    for (int i = 0; i < kProbes; ++i) {
      for (const int level : {i / (kLevels * kLevels), i / kLevels % kLevels, i % kLevels}) {
        probes.push_back(static_cast<std::uint8_t>(level * 17));
      }
    }
    const VipsImagePtr probe(
        vips_image_new_from_memory(probes.data(), probes.size(), kProbes, 1, 3, VIPS_FORMAT_UCHAR));
    if (probe == nullptr) return false;
    probe->Type = VIPS_INTERPRETATION_sRGB;
    vips_image_set_blob_copy(probe.get(), VIPS_META_ICC_NAME, profile, size);
    VipsImage* transformed = nullptr;
    if (vips_icc_transform(probe.get(), &transformed, "srgb", "embedded", TRUE, "intent", VIPS_INTENT_RELATIVE,
                           nullptr) != 0) {
      vips_error_clear();
      return false;
    }
    const VipsImagePtr result(transformed);
    const ObjectPtr<VipsRegion> region(vips_region_new(transformed));
    const VipsRect all = {0, 0, kProbes, 1};
    if (vips_region_prepare(region.get(), &all) != 0) {
      vips_error_clear();
      return false;
    }
    const VipsPel* const values = region_pixels(region.get(), 0, 0);
    return std::equal(probes.begin(), probes.end(), values, [](int a, int b) { return std::abs(a - b) <= 1; });
  }

  static bool is_plain(VipsImage* image) {
    const auto interpretation = vips_image_get_interpretation(image);
    const int bands = vips_image_get_bands(image);
    if (vips_image_get_format(image) != VIPS_FORMAT_UCHAR) return false;
    if (interpretation == VIPS_INTERPRETATION_B_W) return bands <= 2;
    return (interpretation == VIPS_INTERPRETATION_sRGB || interpretation == VIPS_INTERPRETATION_RGB) &&
           (bands == 3 || bands == 4);
  }

  Result<Image> read(VipsImage* image, int orientation) {
    auto placer = PixelPlacer::create(vips_image_get_width(image), vips_image_get_height(image),
                                      vips_image_get_bands(image), orientation);
    if (!placer) return std::unexpected(std::move(placer.error()));
    const bool done = parallel_ ? read_parallel(image, *placer) : read_here(image, *placer);
    if (!done) return broken();
    return std::move(*placer).take();
  }

  // Decoders work row after row: threads have nothing to share, unless there are colours to convert.
  static bool read_here(VipsImage* image, PixelPlacer& placer) {
    const int width = vips_image_get_width(image);
    const int height = vips_image_get_height(image);
    const std::size_t row_bytes = pixel_bytes_of(image) * static_cast<std::size_t>(width);
    const int rows =
        std::max(kLeastBandRows, static_cast<int>(kBandBytes / row_bytes) / kLeastBandRows * kLeastBandRows);
    const ObjectPtr<VipsRegion> region(vips_region_new(image));
    if (region == nullptr) return false;
    for (int y = 0; y < height; y += rows) {
      const VipsRect band = {0, y, width, std::min(rows, height - y)};
      if (vips_region_prepare(region.get(), &band) != 0) return false;
      placer.place(region_pixels(region.get(), 0, y), static_cast<std::size_t>(region->bpl), y, band.height);
    }
    return true;
  }

  static bool read_parallel(VipsImage* image, PixelPlacer& placer) {
    const VipsRegionWrite write = [](VipsRegion* region, VipsRect* area, void* target) {
      static_cast<PixelPlacer*>(target)->place(region_pixels(region, area->left, area->top),
                                               static_cast<std::size_t>(region->bpl), area->top, area->height);
      return 0;
    };
    return vips_sink_disc(image, write, &placer) == 0;
  }

  std::unexpected<Error> broken() const {
    const std::string reason = take_vips_reason(format_.keyword);
    if (reason.find("out of memory") != reason.npos) {
      return fail(ErrorCode::kLimitExceeded, fmt::format("no memory to decode '{}'; scale it down first", name_));
    }
    // libheif of an image whose codec it was built without.
    if (reason.find("has not been built in") != reason.npos) {
      return unsupported(name_, "a HEIC image, which the installed libheif can't read");
    }
    return fail(ErrorCode::kInvalidImage, fmt::format("'{}' is a broken or truncated {} image: {}; get an intact copy",
                                                      name_, format_.name, reason));
  }

  std::span<const std::byte> bytes_;
  std::string_view name_;
  const ImageFormat& format_;
  bool parallel_ = false;
};

}  // namespace

Result<Image> decode_image(std::span<const std::byte> bytes, std::string_view name) {
  if (bytes.empty()) return fail(ErrorCode::kInvalidImage, fmt::format("'{}' is empty; give an image", name));
  const auto sniffed = sniff_format(bytes);
  if (!sniffed.unreadable.empty()) return unsupported(name, fmt::format("{}, which isn't read", sniffed.unreadable));
  if (sniffed.readable == nullptr) return unsupported(name, "in no image format that is read");
  if (auto started = start_vips(); !started) return std::unexpected(std::move(started.error()));
  if (!enable_loader(*sniffed.readable)) {
    return unsupported(name, fmt::format("a {} image, which the installed libvips can't read", sniffed.readable->name));
  }
  const QuietScope quiet;
  return Decoding(bytes, name, *sniffed.readable).run();
}

}  // namespace silhouette
