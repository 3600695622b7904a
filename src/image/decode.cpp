#include "image/decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/pixels.hpp"
#include "image/exif.hpp"
#include "image/facts.hpp"
#include "image/format.hpp"
#include "image/heif.hpp"
#include "image/kinds.hpp"
#include "image/netpbm.hpp"
#include "image/vips_runtime.hpp"
#include "silhouette/image_source.hpp"

namespace silhouette {
namespace {

using VipsImagePtr = ObjectPtr<VipsImage>;

// Rows that are decoded at a time: enough that the calls don't count, few enough that they stay in cache.
constexpr std::size_t kBandBytes = std::size_t{768} * 1024;
constexpr int kLeastBandRows = 16;
/// That a parallel conversion has beside one for each part: to write behind, and to hand parts out.
constexpr int kOtherThreads = 3;
/// Of the decoders of HEIF and JPEG XL; as many as a small machine's have.
constexpr int kDecoderThreads = 4;

std::unexpected<Error> no_memory(std::string_view name) {
  return fail(ErrorCode::kLimitExceeded, fmt::format("no memory to decode '{}'; free some, or scale it down", name));
}

std::unexpected<Error> no_threads(std::string_view name, const ImageFormat& format) {
  return fail(ErrorCode::kLimitExceeded,
              fmt::format("no threads to decode '{}' with, as {} needs; raise the limit on processes, or don't decode "
                          "in a process made by fork()",
                          name, format.name));
}

/// Threads that a format's loader can't do without: it ends the process, fails or waits for ever where they are
/// refused.
int threads_of_loader(const ImageFormat& format) {
  // The decoders have threads of their own.
  if (format.keyword == "heif" || format.keyword == "jxl") return kDecoderThreads;
  // libvips has these whole in memory first, put there by its threads.
  return format.keyword == "webp" ? vips_concurrency_get() : 0;
}

/// Of the full range (TIFF 6.0, section 21, with its default coefficients). Not by libvips, whose matrices want
/// threads.
void ycbcr_to_rgb(Image& image) {
  const auto values = image.pixels.span();
  const auto rounded = [](double value) { return static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0)); };
  for (std::size_t i = 0; i + 2 < values.size(); i += 3) {
    const double y = values[i];
    const double blue = values[i + 1] - 128.0;
    const double red = values[i + 2] - 128.0;
    values[i] = rounded(y + 1.402 * red);
    values[i + 1] = rounded(y - 0.344136 * blue - 0.714136 * red);
    values[i + 2] = rounded(y + 1.772 * blue);
  }
}

/// Whether a JPEG decoder's warnings tell of lost pixels: it goes on with grey, or with what came before.
bool tells_of_damage(std::string_view messages) {
  constexpr std::string_view kDamage[] = {"premature end of data segment", "bad Huffman code", "bad arithmetic code",
                                          "instead of RST", "Premature end of"};
  return std::ranges::any_of(kDamage, [&](std::string_view words) { return messages.contains(words); });
}

// One decoding: what all steps need to know of it.
class Decoding {
 public:
  Decoding(std::span<const std::byte> bytes, std::string_view name, const ImageFormat& format, const Facts& facts,
           VipsFailOn fail_on, const std::stop_token& stop)
      : bytes_(bytes), name_(name), format_(format), facts_(facts), fail_on_(fail_on), stop_(stop) {}

  Result<Image> run() {
    if (stop_.stop_requested()) return cancelled();
    auto loaded = load();
    if (!loaded) return std::unexpected(std::move(loaded.error()));
    const int orientation = orientation_of(loaded->get());
    auto converted = convert(std::move(*loaded));
    if (!converted) return std::unexpected(std::move(converted.error()));
    auto pixels = read(converted->get(), orientation);
    if (pixels && facts_.ycbcr) ycbcr_to_rgb(*pixels);
    return pixels;
  }

 private:
  // The header only; pixels are decoded when they are asked for.
  Result<VipsImagePtr> load() {
    const ObjectPtr<VipsSource> source(vips_source_new_from_memory(bytes_.data(), bytes_.size()));
    if (source == nullptr) return broken();
    VipsImage* header = nullptr;
    // Loaders without a streaming mode must not fall back on a temporary file, whatever the size.
    const gboolean whole = format_.loader == std::string_view("webpload_source") ? TRUE : FALSE;
    // Options that a loader hasn't would be warned of.
    const int done = format_.loader == std::string_view("tiffload_source")
                         ? vips_call(format_.loader, source.get(), &header, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                     fail_on_, "page", facts_.page, nullptr)
                         : vips_call(format_.loader, source.get(), &header, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on",
                                     fail_on_, "memory", whole, nullptr);
    if (done != 0) return broken();
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
    if (image != nullptr) image = obey_facts(std::move(image));
    if (image == nullptr) return broken();
    const bool cmyk = vips_image_get_interpretation(image.get()) == VIPS_INTERPRETATION_CMYK;
    bool transforms = cmyk;
    if (!cmyk && has_profile(image.get())) {
      const auto is_srgb = is_srgb_profile(image.get());
      if (!is_srgb) return broken();
      transforms = !*is_srgb;
    }
    if (transforms) {
      const bool deep = vips_image_get_format(image.get()) == VIPS_FORMAT_USHORT;
      VipsImage* transformed = nullptr;
      if (vips_icc_transform(image.get(), &transformed, "srgb", "embedded", TRUE, "input_profile",
                             cmyk ? "cmyk" : nullptr, "intent", VIPS_INTENT_RELATIVE, "depth", deep ? 16 : 8,
                             nullptr) == 0) {
        image.reset(transformed);
        parallel_ = true;
      } else {
        // A profile that can't be used is as good as none, but not one that there is no memory for.
        if (lacks_memory()) return broken();
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

  // Bands that aren't colours nor alpha go, what was multiplied with alpha is divided by it, YCbCr becomes RGB.
  VipsImagePtr obey_facts(VipsImagePtr image) const {
    VipsImage* next = nullptr;
    if (facts_.bands > 0 && facts_.bands < vips_image_get_bands(image.get())) {
      if (vips_extract_band(image.get(), &next, 0, "n", facts_.bands, nullptr) != 0) return nullptr;
      image.reset(next);
    }
    const int bands = vips_image_get_bands(image.get());
    const auto format = vips_image_get_format(image.get());
    if (facts_.premultiplied && (bands == 2 || bands == 4) &&
        (format == VIPS_FORMAT_UCHAR || format == VIPS_FORMAT_USHORT)) {
      const double most = format == VIPS_FORMAT_UCHAR ? 255 : 65535;
      if (vips_unpremultiply(image.get(), &next, "max_alpha", most, nullptr) != 0) return nullptr;
      const VipsImagePtr divided(next);
      // The half makes the cast, which truncates, round.
      if (vips_linear1(divided.get(), &next, 1.0, 0.5, nullptr) != 0) return nullptr;
      const VipsImagePtr rounded(next);
      if (vips_cast(rounded.get(), &next, format, nullptr) != 0) return nullptr;
      image.reset(next);
    }
    if (facts_.ycbcr && bands >= 3 && format == VIPS_FORMAT_UCHAR) {
      if (vips_extract_band(image.get(), &next, 0, "n", 3, nullptr) != 0) return nullptr;
      const VipsImagePtr planes(next);
      if (vips_copy(planes.get(), &next, "interpretation", VIPS_INTERPRETATION_sRGB, nullptr) != 0) return nullptr;
      image.reset(next);
    }
    return image;
  }

  static bool has_profile(VipsImage* image) {
    const auto format = vips_image_get_format(image);
    return vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0 &&
           (format == VIPS_FORMAT_UCHAR || format == VIPS_FORMAT_USHORT);
  }

  // Whether the profile only says that the pixels are what they would be taken for without it: most embedded ones do.
  // Sixteen levels of each channel go through the transform to see. Nothing without the memory for that.
  static std::optional<bool> is_srgb_profile(VipsImage* image) {
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
    const auto failed = []() -> std::optional<bool> {
      if (lacks_memory()) return std::nullopt;
      vips_error_clear();
      return false;
    };
    if (probe == nullptr) return failed();
    probe->Type = VIPS_INTERPRETATION_sRGB;
    vips_image_set_blob_copy(probe.get(), VIPS_META_ICC_NAME, profile, size);
    VipsImage* transformed = nullptr;
    if (vips_icc_transform(probe.get(), &transformed, "srgb", "embedded", TRUE, "intent", VIPS_INTENT_RELATIVE,
                           nullptr) != 0) {
      return failed();
    }
    const VipsImagePtr result(transformed);
    const ObjectPtr<VipsRegion> region(vips_region_new(transformed));
    const VipsRect all = {0, 0, kProbes, 1};
    if (region == nullptr || vips_region_prepare(region.get(), &all) != 0) return failed();
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
    if (!memory_is_to_be_had()) return no_memory(name_);
    // libvips has a thread for each part and some more; it crashes where it is refused one.
    const int threads = vips_concurrency_get() + kOtherThreads;
    const bool parallel = parallel_ && memory_is_to_be_had(threads) && threads_are_to_be_had(threads);
    const bool done = parallel ? read_parallel(image, *placer) : read_here(image, *placer);
    if (stop_.stop_requested()) return cancelled();
    if (!done) return broken();
    return std::move(*placer).take();
  }

  // Decoders work row after row: threads have nothing to share, unless there are colours to convert.
  bool read_here(VipsImage* image, PixelPlacer& placer) const {
    const int width = vips_image_get_width(image);
    const int height = vips_image_get_height(image);
    const std::size_t row_bytes = pixel_bytes_of(image) * static_cast<std::size_t>(width);
    const int rows =
        std::max(kLeastBandRows, static_cast<int>(kBandBytes / row_bytes) / kLeastBandRows * kLeastBandRows);
    const ObjectPtr<VipsRegion> region(vips_region_new(image));
    if (region == nullptr) return false;
    for (int y = 0; y < height; y += rows) {
      const VipsRect band = {0, y, width, std::min(rows, height - y)};
      if (stop_.stop_requested()) return false;
      if (vips_region_prepare(region.get(), &band) != 0) return false;
      placer.place(region_pixels(region.get(), 0, y), static_cast<std::size_t>(region->bpl), y, band.height);
    }
    return true;
  }

  bool read_parallel(VipsImage* image, PixelPlacer& placer) const {
    struct Target {
      PixelPlacer& placer;
      const std::stop_token& stop;
    } target{placer, stop_};
    const VipsRegionWrite write = [](VipsRegion* region, VipsRect* area, void* given) {
      const auto& to = *static_cast<Target*>(given);
      if (to.stop.stop_requested()) return -1;
      to.placer.place(region_pixels(region, area->left, area->top), static_cast<std::size_t>(region->bpl), area->top,
                      area->height);
      return 0;
    };
    return vips_sink_disc(image, write, &target) == 0;
  }

  std::unexpected<Error> cancelled() const {
    return fail(ErrorCode::kCancelled, fmt::format("decoding '{}' was cancelled", name_));
  }

  static bool lacks_memory() { return take_vips_messages().contains("out of memory"); }

  std::unexpected<Error> broken() const {
    const std::string reason = take_vips_reason(format_.keyword);
    if (reason.find("out of memory") != reason.npos) {
      return no_memory(name_);
    }
    // libvips's own threads, which some of its operations start whatever is asked of it.
    if (reason.find("creating thread") != reason.npos) return no_threads(name_, format_);
    // libheif of before 1.16, of what newer phones write.
    if (reason.find("Too many auxiliary image references") != reason.npos) {
      return unsupported_image(
          name_, "a HEIF image with several auxiliary images, for which the installed libheif is too old");
    }
    if (reason.find("nsupported") != reason.npos) {
      return unsupported_image(name_, fmt::format("a {} image of a kind that the installed library doesn't read ({})",
                                                  format_.name, reason));
    }
    // libheif of an image whose codec it was built without.
    if (reason.find("has not been built in") != reason.npos) {
      return unsupported_image(name_, "a HEIC image, which the installed libheif can't read");
    }
    return fail(ErrorCode::kInvalidImage, fmt::format("'{}' is a broken or truncated {} image: {}; get an intact copy",
                                                      name_, format_.name, reason));
  }

  std::span<const std::byte> bytes_;
  std::string_view name_;
  const ImageFormat& format_;
  const Facts& facts_;
  VipsFailOn fail_on_;
  const std::stop_token& stop_;
  bool parallel_ = false;
};

/// Decodes twice if it must: alone with libvips the second time, so that the reason is this image's own, and a JPEG
/// decoder's warnings can be told from each other.
Result<Image> decode_known(std::span<const std::byte> bytes, std::string_view name, const ImageFormat& format,
                           const Facts& facts, const std::stop_token& stop) {
  const bool jpeg = format.keyword == "jpeg";
  {
    const std::shared_lock lock(vips_messages());
    const QuietScope quiet;
    const auto strictness = jpeg ? VIPS_FAIL_ON_WARNING : VIPS_FAIL_ON_ERROR;
    auto image = Decoding(bytes, name, format, facts, strictness, stop).run();
    const auto is_final = [](ErrorCode code) {
      return code == ErrorCode::kCancelled || code == ErrorCode::kLimitExceeded;
    };
    if (image || is_final(image.error().code)) return image;
  }
  const std::unique_lock lock(vips_messages());
  const QuietScope quiet;
  vips_error_clear();
  auto image = Decoding(bytes, name, format, facts, VIPS_FAIL_ON_ERROR, stop).run();
  if (image && jpeg && tells_of_damage(take_vips_messages())) {
    return fail(
        ErrorCode::kInvalidImage,
        fmt::format("'{}' is a broken or truncated JPEG image: a part of its pixels is lost; get an intact copy",
                    name));
  }
  vips_error_clear();
  return image;
}

}  // namespace

Result<Image> decode_image(std::span<const std::byte> bytes, std::string_view name, const std::stop_token& stop) {
  if (bytes.empty()) return fail(ErrorCode::kInvalidImage, fmt::format("'{}' is empty; give an image", name));
  const auto sniffed = sniff_format(bytes);
  if (!sniffed.unreadable.empty())
    return unsupported_image(name, fmt::format("{}, which isn't read", sniffed.unreadable));
  if (sniffed.readable == nullptr) return unsupported_image(name, "in no image format that is read");
  const ImageFormat& format = *sniffed.readable;
  if (!memory_is_to_be_had()) {
    return no_memory(name);
  }
  const auto vips = start_vips();
  if (!vips) return std::unexpected(vips.error());
  const int threads = threads_of_loader(format);
  if (threads > 0 && !memory_is_to_be_had(threads)) return no_memory(name);
  if (threads > 0 && !threads_are_to_be_had(threads)) return no_threads(name, format);
  if (!enable_loader(format)) {
    return unsupported_image(name, fmt::format("a {} image, which the installed libvips can't read", format.name));
  }

  Facts facts;
  AlignedBuffer<std::byte> changed;
  if (format.keyword == "jpeg") {
    if (const auto kind = unreadable_jpeg_kind(bytes); !kind.empty())
      return unsupported_image(name, fmt::format("{}, which isn't read", kind));
    // Some cameras and servers leave the end mark out. If rows are missing, too, the decoder says so.
    if (!has_jpeg_end(bytes)) {
      auto whole = AlignedBuffer<std::byte>::create(bytes.size() + 2, "an image's file");
      if (!whole) return std::unexpected(std::move(whole.error()));
      std::ranges::copy(bytes, whole->data());
      whole->data()[bytes.size()] = std::byte{0xFF};
      whole->data()[bytes.size() + 1] = std::byte{0xD9};
      changed = std::move(*whole);
    }
  } else if (format.keyword == "png") {
    if (const auto kind = unreadable_png_kind(bytes); !kind.empty())
      return unsupported_image(name, fmt::format("{}, which isn't read", kind));
  } else if (format.keyword == "tiff") {
    const auto read = tiff_facts(bytes, name);
    if (!read) return std::unexpected(read.error());
    facts = *read;
  } else if (format.keyword == "ppm") {
    auto prepared = prepare_netpbm(bytes, name);
    if (!prepared) return std::unexpected(std::move(prepared.error()));
    changed = std::move(*prepared);
  } else if (format.keyword == "heif") {
    facts.premultiplied = has_premultiplied_alpha(bytes);
  }
  return decode_known(changed.empty() ? bytes : changed.span(), name, format, facts, stop);
}

}  // namespace silhouette
