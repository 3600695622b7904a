#include "plain_data.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace silhouette::node {
namespace {

[[noreturn]] void wrong_type(Napi::Env env, std::string_view what) {
  throw Napi::TypeError::New(env, std::string(what));
}

std::optional<Napi::Value> member(Napi::Object object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (value.IsUndefined() || value.IsNull()) return std::nullopt;
  return value;
}

std::string read_string(Napi::Value value, const char* name) {
  if (!value.IsString()) wrong_type(value.Env(), std::string(name) + " must be a string");
  return value.As<Napi::String>().Utf8Value();
}

bool read_boolean(Napi::Value value, const char* name) {
  if (!value.IsBoolean()) wrong_type(value.Env(), std::string(name) + " must be true or false");
  return value.As<Napi::Boolean>().Value();
}

double read_number(Napi::Value value, const char* name) {
  if (!value.IsNumber()) wrong_type(value.Env(), std::string(name) + " must be a number");
  return value.As<Napi::Number>().DoubleValue();
}

int read_int(Napi::Value value, const char* name) {
  const double number = read_number(value, name);
  if (number != std::trunc(number) || std::abs(number) > std::numeric_limits<int>::max()) {
    wrong_type(value.Env(), std::string(name) + " must be a whole number");
  }
  return static_cast<int>(number);
}

std::vector<std::byte> read_bytes(Napi::Value value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().ElementSize() != 1) {
    wrong_type(value.Env(), std::string(name) + " must be a Uint8Array");
  }
  const auto array = value.As<Napi::Uint8Array>();
  const auto bytes = std::as_bytes(std::span(array.Data(), array.ByteLength()));
  return {bytes.begin(), bytes.end()};
}

std::array<float, 3> read_triple(Napi::Value value, const char* name) {
  if (!value.IsArray() || value.As<Napi::Array>().Length() != 3) {
    wrong_type(value.Env(), std::string(name) + " must be an array of 3 numbers");
  }
  const auto array = value.As<Napi::Array>();
  std::array<float, 3> triple{};
  for (std::uint32_t i = 0; i < 3; ++i) triple[i] = static_cast<float>(read_number(array.Get(i), name));
  return triple;
}

template <typename Enum>
Enum read_choice(Napi::Value value, const char* name, std::span<const std::pair<std::string_view, Enum>> choices) {
  const std::string text = read_string(value, name);
  std::string known;
  for (const auto& [spelling, choice] : choices) {
    if (text == spelling) return choice;
    known += (known.empty() ? "'" : ", '") + std::string(spelling) + "'";
  }
  wrong_type(value.Env(), std::string(name) + " is '" + text + "'; it may be " + known);
}

/// Above it not every whole number is a double's value; nothing that is counted here comes near it.
constexpr double kLargestWhole = 9'007'199'254'740'991.0;

double read_amount(Napi::Value value, const char* name) {
  const double number = read_number(value, name);
  if (!(number >= 0.0)) wrong_type(value.Env(), std::string(name) + " must be a number from 0");
  return std::min(number, kLargestWhole);
}

constexpr std::pair<std::string_view, EngineChoice> kEngines[] = {
    {"auto", EngineChoice::kAuto}, {"native", EngineChoice::kNative}, {"executorch", EngineChoice::kExecutorch}};
constexpr std::pair<std::string_view, MemoryUse> kMemoryUses[] = {{"default", MemoryUse::kDefault},
                                                                  {"low", MemoryUse::kLow}};
constexpr std::pair<std::string_view, ResizeFilter> kFilters[] = {{"antialias", ResizeFilter::kAntialias},
                                                                  {"linear", ResizeFilter::kLinear}};

}  // namespace

OwnedImage OwnedImage::read(Napi::Value value) {
  OwnedImage image;
  if (value.IsString()) {
    image.value_ = value.As<Napi::String>().Utf8Value();
    return image;
  }
  if (!value.IsObject()) wrong_type(value.Env(), "an image must be a string or an object");
  const auto object = value.As<Napi::Object>();
  if (const auto bytes = member(object, "bytes")) {
    image.value_ = read_bytes(*bytes, "bytes");
    return image;
  }
  Pixels pixels;
  pixels.width = read_int(object.Get("width"), "width");
  pixels.height = read_int(object.Get("height"), "height");
  pixels.channels = read_int(object.Get("channels"), "channels");
  if (pixels.channels != 1 && pixels.channels != 3 && pixels.channels != 4) {
    wrong_type(value.Env(), "channels is " + std::to_string(pixels.channels) + "; it may be 1, 3 or 4");
  }
  if (const auto stride = member(object, "stride")) {
    const int bytes = read_int(*stride, "stride");
    if (bytes < 0) wrong_type(value.Env(), "stride must not be negative");
    pixels.stride = static_cast<std::size_t>(bytes);
  }
  pixels.bytes = read_bytes(object.Get("data"), "data");
  image.value_ = std::move(pixels);
  return image;
}

ImageSource OwnedImage::source() const {
  if (const auto* text = std::get_if<std::string>(&value_)) return {*text};
  if (const auto* bytes = std::get_if<std::vector<std::byte>>(&value_)) return ImageSource::encoded(*bytes);
  const auto& pixels = std::get<Pixels>(value_);
  return ImageSource::pixels({.bytes = pixels.bytes,
                              .width = pixels.width,
                              .height = pixels.height,
                              .format = static_cast<PixelFormat>(pixels.channels),
                              .stride = pixels.stride});
}

ModelSource read_model_source(Napi::Value value) {
  if (value.IsString()) return {value.As<Napi::String>().Utf8Value()};
  return ModelSource::bytes(read_bytes(value, "a model source"));
}

LoadOptions read_load_options(Napi::Object options) {
  LoadOptions result;
  if (const auto engine = member(options, "engine")) {
    result.engine = read_choice<EngineChoice>(*engine, "engine", kEngines);
  }
  if (const auto memory = member(options, "memory")) {
    result.memory = read_choice<MemoryUse>(*memory, "memory", kMemoryUses);
  }
  if (const auto keep = member(options, "keepPackedWeights")) {
    result.keep_packed_weights = read_boolean(*keep, "keepPackedWeights");
  }
  if (const auto threads = member(options, "threads")) result.threads = read_int(*threads, "threads");
  const auto mean = member(options, "mean");
  const auto std = member(options, "std");
  if (mean || std) {
    Normalization normalization;
    if (mean) normalization.mean = read_triple(*mean, "mean");
    if (std) normalization.std = read_triple(*std, "std");
    result.normalization = normalization;
  }
  if (const auto labels = member(options, "labels")) {
    if (!labels->IsArray()) wrong_type(options.Env(), "labels must be an array of strings");
    const auto array = labels->As<Napi::Array>();
    for (std::uint32_t i = 0; i < array.Length(); ++i) result.labels.push_back(read_string(array.Get(i), "a label"));
  }
  if (const auto cache = member(options, "cacheDirectory")) {
    result.cache_directory = read_string(*cache, "cacheDirectory");
  }
  if (const auto sha256 = member(options, "sha256")) result.sha256 = read_string(*sha256, "sha256");
  return result;
}

ForwardOptions read_forward_options(Napi::Object options) {
  ForwardOptions result;
  if (const auto resize = member(options, "resize")) result.resize = read_boolean(*resize, "resize");
  if (const auto filter = member(options, "filter")) {
    result.filter = read_choice<ResizeFilter>(*filter, "filter", kFilters);
  }
  if (const auto keep = member(options, "keepImage")) result.keep_image = read_boolean(*keep, "keepImage");
  return result;
}

ClassId read_class(Napi::Value value) {
  if (value.IsString()) return {value.As<Napi::String>().Utf8Value()};
  return {read_int(value, "a class")};
}

std::vector<ClassId> read_classes(Napi::Value value) {
  std::vector<ClassId> classes;
  if (value.IsUndefined() || value.IsNull()) return classes;
  if (!value.IsArray()) wrong_type(value.Env(), "classes must be an array of labels and channel numbers");
  const auto array = value.As<Napi::Array>();
  for (std::uint32_t i = 0; i < array.Length(); ++i) classes.push_back(read_class(array.Get(i)));
  return classes;
}

OwnedBackground OwnedBackground::read(Napi::Value value) {
  if (value.IsUndefined() || value.IsNull()) return {};
  if (!value.IsObject()) wrong_type(value.Env(), "a background must be an object");
  const auto options = value.As<Napi::Object>();
  if (const auto image = member(options, "image")) return {OwnedImage::read(*image)};
  if (const auto blur = member(options, "blur")) return {read_number(*blur, "blur")};
  const auto color = member(options, "color");
  if (!color || !color->IsArray()) wrong_type(value.Env(), "a background has a color, blur or image");
  std::array<std::uint8_t, 3> rgb{};
  for (std::uint32_t i = 0; i < 3; ++i) {
    const double part = read_number(color->As<Napi::Array>().Get(i), "color");
    rgb[i] = static_cast<std::uint8_t>(std::clamp(part, 0.0, 255.0));
  }
  return {rgb};
}

Background OwnedBackground::background() const {
  if (const auto* const color = std::get_if<std::array<std::uint8_t, 3>>(&value))
    return Background::color((*color)[0], (*color)[1], (*color)[2]);
  if (const auto* const blur = std::get_if<double>(&value)) return Background::blur(*blur);
  if (const auto* const image = std::get_if<OwnedImage>(&value)) return Background::image(image->source());
  return {};
}

PolygonOptions read_polygon_options(Napi::Object options) {
  PolygonOptions result;
  if (const auto tolerance = member(options, "tolerance")) result.tolerance = read_number(*tolerance, "tolerance");
  if (const auto area = member(options, "minArea")) {
    result.min_area = static_cast<std::int64_t>(std::ceil(read_amount(*area, "minArea")));
  }
  return result;
}

OverlayOptions read_overlay_options(Napi::Object options) {
  OverlayOptions result;
  if (const auto opacity = member(options, "opacity")) {
    result.opacity = static_cast<float>(read_number(*opacity, "opacity"));
  }
  if (const auto legend = member(options, "legend")) result.legend = read_boolean(*legend, "legend");
  return result;
}

PruneOptions read_prune_options(Napi::Object options) {
  PruneOptions result;
  if (const auto bytes = member(options, "maxBytes")) {
    result.max_bytes = static_cast<std::uint64_t>(read_amount(*bytes, "maxBytes"));
  }
  if (const auto age = member(options, "maxAgeMs")) {
    const std::chrono::milliseconds exact(static_cast<std::int64_t>(read_amount(*age, "maxAgeMs")));
    result.max_age = std::chrono::ceil<std::chrono::seconds>(exact);
  }
  return result;
}

}  // namespace silhouette::node
