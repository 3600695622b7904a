// What JavaScript calls: one instance, one model. A call gets a message (wire.hpp) and answers 0, after which the reply
// is its result, or an error's code, after which the reply is its message. What a result points to is there until the
// next call. src/wasm/engine.ts of the npm package is the other side.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <stop_token>
#include <utility>

#include "export.hpp"
#include "silhouette/core/session.hpp"
#include "wire.hpp"

namespace silhouette::wasm {
namespace {

using core::Maps;
using core::Picture;

/// JavaScript's: writes a text as coverage. Of malloc'd memory: width, height, values; null if it can't.
extern "C" __attribute__((import_module("silhouette"), import_name("write_text"))) std::uint32_t* write_text(
    const char* text, std::size_t size, int pixel_height);

struct Instance {
  core::Threads threads;
  std::optional<core::Session> session;
  // The last call's results.
  std::optional<Maps> maps;
  std::optional<Picture> picture;
  std::vector<float> values;
  Writer reply;
  std::stop_source stop;
  /// Another thread of JavaScript's sets it where the running call shall end. Of its own cache line.
  alignas(64) std::atomic<std::int32_t> stop_wanted = 0;
};

Instance& instance() {
  static Instance one;
  return one;
}

int error(const Error& error) {
  instance().reply.clear();
  try {
    instance().reply.text(error.message);
  } catch (const std::bad_alloc&) {
    // An empty message is one that there was no memory for.
    instance().reply.clear();
  }
  return static_cast<int>(error.code);
}

/// Runs a call's body, Result<void>(Reader&, Writer&), so that nothing is thrown into JavaScript.
template <typename Body>
int call(const std::byte* message, std::size_t size, const Body& body) noexcept {
  Instance& self = instance();
  self.reply.clear();
  self.maps.reset();
  self.picture.reset();
  self.values = {};
  try {
    Reader reader({message, size});
    const Result<void> done = body(reader, self.reply);
    return done ? 0 : error(done.error());
  } catch (const std::bad_alloc&) {
    return error({ErrorCode::kLimitExceeded, ""});
  } catch (const std::exception& unexpected) {
    return error({ErrorCode::kInternal, unexpected.what()});
  }
}

std::optional<Normalization> read_normalization(Reader& reader) {
  if (!reader.flag()) return std::nullopt;
  Normalization normalization;
  for (float& value : normalization.mean) value = static_cast<float>(reader.real());
  for (float& value : normalization.std) value = static_cast<float>(reader.real());
  return normalization;
}

PixelView read_pixels(Reader& reader) {
  const auto bytes = reader.memory<std::byte>();
  const int width = reader.integer();
  const int height = reader.integer();
  const auto format = static_cast<PixelFormat>(reader.number());
  return {.bytes = bytes, .width = width, .height = height, .format = format, .stride = reader.number()};
}

/// Maps that JavaScript has taken apart.
Result<Maps> read_parts(Reader& reader) {
  core::MapsView view;
  view.width = reader.integer();
  view.height = reader.integer();
  view.argmax = reader.memory<std::int32_t>();
  const auto labels = reader.texts();
  view.labels = labels;
  if (reader.flag()) view.image = read_pixels(reader);
  if (reader.flag()) {
    const auto values = reader.memory<float>();
    const int width = reader.integer();
    view.foreground = core::ForegroundView{.values = values, .width = width, .height = reader.integer()};
  }
  return Maps::from(view, instance().threads);
}

core::Background read_background(Reader& reader) {
  enum Kind : std::uint32_t { kNone, kColor, kBlur, kPicture };
  switch (reader.number()) {
    case kColor: {
      std::array<std::uint8_t, 3> color{};
      for (std::uint8_t& value : color) value = static_cast<std::uint8_t>(reader.number());
      return color;
    }
    case kBlur: return core::Blur{reader.real()};
    case kPicture: return read_pixels(reader);
    case kNone:
    default: return std::monostate{};
  }
}

Result<core::TextCoverage> write_coverage(std::string_view text, int pixel_height) {
  std::uint32_t* const memory = write_text(text.data(), text.size(), pixel_height);
  if (memory == nullptr) return fail(ErrorCode::kInternal, "no text can be written");
  const std::unique_ptr<std::uint32_t, decltype(&std::free)> owner(memory, &std::free);
  core::TextCoverage coverage;
  coverage.width = static_cast<int>(memory[0]);
  coverage.height = static_cast<int>(memory[1]);
  const auto* const values = reinterpret_cast<const std::uint8_t*>(memory + 3);
  coverage.values.assign(values, values + memory[2]);
  return coverage;
}

void write_box(Writer& reply, const Box& box) {
  for (const int value : {box.x, box.y, box.width, box.height}) reply.integer(value);
}

void write_ring(Writer& reply, const std::vector<Point>& ring) {
  static_assert(sizeof(Point) == 2 * sizeof(std::int32_t));
  reply.items(std::span(reinterpret_cast<const std::int32_t*>(ring.data()), 2 * ring.size()));
}

Result<void> keep_picture(Result<Picture> made, Writer& reply) {
  if (!made) return std::unexpected(std::move(made.error()));
  const Picture& picture = instance().picture.emplace(std::move(*made));
  reply.integer(picture.width());
  reply.integer(picture.height());
  reply.number(static_cast<std::uint32_t>(picture.format()));
  reply.memory(picture.bytes());
  return {};
}

void describe(const core::SessionDescription& description, Writer& reply) {
  for (const int value : {description.input_width, description.input_height, description.output_width,
                          description.output_height, description.channels, description.background}) {
    reply.integer(value);
  }
  reply.number(description.has_probabilities ? 1 : 0);
  for (const float value : description.normalization.mean) reply.real(value);
  for (const float value : description.normalization.std) reply.real(value);
  reply.text(description.format);
  reply.text(description.normalization_origin);
  reply.text(description.labels_origin);
  reply.texts(description.labels);
  reply.texts(description.operators);
}

void write_maps(const Maps& maps, Writer& reply) {
  reply.integer(maps.width());
  reply.integer(maps.height());
  reply.memory(maps.argmax());
  reply.items(maps.classes());
  for (const int channel : maps.classes()) reply.memory(maps.probability(channel));
  const auto image = maps.image();
  reply.number(image ? 1 : 0);
  if (image) reply.memory(image->bytes);
  const auto foreground = maps.foreground();
  reply.number(foreground ? 1 : 0);
  if (foreground) {
    reply.memory(foreground->values);
    reply.integer(foreground->width);
    reply.integer(foreground->height);
  }
  const core::Timings timings = maps.timings();
  for (const double value : {timings.preprocess_ms, timings.network_ms, timings.postprocess_ms}) reply.real(value);
}

/// Ends the running call if another thread wants that: called before every loop.
void look_for_stop() {
  Instance& self = instance();
  if (self.stop_wanted.load(std::memory_order_relaxed) != 0) self.stop.request_stop();
}

Result<void> no_model() {
  return fail(ErrorCode::kModelNotLoaded, "the engine has no model");
}

}  // namespace

extern "C" {

/// Memory for JavaScript to fill; 0 if there is none.
SILHOUETTE_EXPORT(silhouette_allocate) void* silhouette_allocate(std::size_t bytes) {
  return std::aligned_alloc(64, bytes);
}
SILHOUETTE_EXPORT(silhouette_free) void silhouette_free(void* memory) {
  std::free(memory);
}

SILHOUETTE_EXPORT(silhouette_reply) const std::byte* silhouette_reply() {
  return instance().reply.bytes().data();
}
SILHOUETTE_EXPORT(silhouette_reply_size) std::size_t silhouette_reply_size() {
  return instance().reply.bytes().size();
}

/// Where a 1 ends the running call.
SILHOUETTE_EXPORT(silhouette_stop_cell) std::atomic<std::int32_t>* silhouette_stop_cell() {
  return &instance().stop_wanted;
}

/// Frees the last call's results.
SILHOUETTE_EXPORT(silhouette_release) void silhouette_release() {
  call(nullptr, 0, [](Reader&, Writer&) -> Result<void> { return {}; });
}

/// Takes so many threads, for which workers are there or on their way. Reply: how many there are.
SILHOUETTE_EXPORT(silhouette_start) int silhouette_start(const std::byte* message, std::size_t size) {
  return call(message, size, [](Reader& reader, Writer& reply) -> Result<void> {
    auto threads = core::Threads::create(reader.integer(), look_for_stop);
    if (!threads) return std::unexpected(std::move(threads.error()));
    reply.integer(threads->count());
    instance().threads = std::move(*threads);
    return {};
  });
}

SILHOUETTE_EXPORT(silhouette_load) int silhouette_load(const std::byte* message, std::size_t size) {
  return call(message, size, [](Reader& reader, Writer& reply) -> Result<void> {
    Instance& self = instance();
    self.session.reset();
    const auto model = reader.memory<std::byte>();
    core::SessionOptions options;
    options.name = reader.text();
    options.labels = reader.texts();
    options.normalization = read_normalization(reader);
    options.default_normalization = read_normalization(reader);
    options.memory = reader.flag() ? MemoryUse::kLow : MemoryUse::kDefault;
    options.threads = self.threads;
    auto session = core::Session::load(model, options);
    if (!session) return std::unexpected(std::move(session.error()));
    describe(session->description(), reply);
    self.session = std::move(*session);
    return {};
  });
}

SILHOUETTE_EXPORT(silhouette_segment) int silhouette_segment(const std::byte* message, std::size_t size) {
  return call(message, size, [](Reader& reader, Writer& reply) -> Result<void> {
    Instance& self = instance();
    if (!self.session) return no_model();
    const PixelView pixels = read_pixels(reader);
    core::SegmentOptions options;
    options.classes = reader.integers();
    options.resize = reader.flag();
    options.filter = reader.flag() ? ResizeFilter::kLinear : ResizeFilter::kAntialias;
    options.keep_image = reader.flag();
    self.stop = {};
    options.stop = self.stop.get_token();
    auto maps = self.session->segment(pixels, options);
    if (!maps) return std::unexpected(std::move(maps.error()));
    write_maps(self.maps.emplace(std::move(*maps)), reply);
    return {};
  });
}

SILHOUETTE_EXPORT(silhouette_run) int silhouette_run(const std::byte* message, std::size_t size) {
  return call(message, size, [](Reader& reader, Writer& reply) -> Result<void> {
    Instance& self = instance();
    if (!self.session) return no_model();
    self.stop = {};
    auto values = self.session->run(reader.memory<float>(), self.stop.get_token());
    if (!values) return std::unexpected(std::move(values.error()));
    self.values = std::move(*values);
    reply.memory(std::span<const float>(self.values));
    return {};
  });
}

SILHOUETTE_EXPORT(silhouette_mask) int silhouette_mask(const std::byte* message, std::size_t size) {
  return call(message, size, [](Reader& reader, Writer& reply) -> Result<void> {
    const auto maps = read_parts(reader);
    if (!maps) return std::unexpected(maps.error());
    return keep_picture(maps->mask(), reply);
  });
}

SILHOUETTE_EXPORT(silhouette_overlay) int silhouette_overlay(const std::byte* message, std::size_t size) {
  return call(message, size, [](Reader& reader, Writer& reply) -> Result<void> {
    const auto maps = read_parts(reader);
    if (!maps) return std::unexpected(maps.error());
    const auto opacity = static_cast<float>(reader.real());
    const bool has_writer = reader.flag();
    return keep_picture(maps->overlay(opacity, has_writer ? core::TextWriter(write_coverage) : core::TextWriter()),
                        reply);
  });
}

SILHOUETTE_EXPORT(silhouette_cutout) int silhouette_cutout(const std::byte* message, std::size_t size) {
  return call(message, size, [](Reader& reader, Writer& reply) -> Result<void> {
    const auto maps = read_parts(reader);
    if (!maps) return std::unexpected(maps.error());
    const auto subject = reader.integers();
    return keep_picture(maps->cutout(subject, read_background(reader)), reply);
  });
}

SILHOUETTE_EXPORT(silhouette_rle) int silhouette_rle(const std::byte* message, std::size_t size) {
  return call(message, size, [](Reader& reader, Writer& reply) -> Result<void> {
    const auto maps = read_parts(reader);
    if (!maps) return std::unexpected(maps.error());
    const auto rle = maps->rle(reader.integer());
    if (!rle) return std::unexpected(rle.error());
    const auto compressed = rle->compressed();
    if (!compressed) return std::unexpected(compressed.error());
    reply.items(std::span<const std::uint32_t>(rle->counts));
    reply.text(*compressed);
    reply.real(static_cast<double>(rle->area()));
    write_box(reply, rle->bounding_box());
    return {};
  });
}

SILHOUETTE_EXPORT(silhouette_polygons) int silhouette_polygons(const std::byte* message, std::size_t size) {
  return call(message, size, [](Reader& reader, Writer& reply) -> Result<void> {
    const auto maps = read_parts(reader);
    if (!maps) return std::unexpected(maps.error());
    const int channel = reader.integer();
    const double tolerance = reader.real();
    const auto min_area = static_cast<std::int64_t>(std::clamp(reader.real(), -1.0, 1e15));
    const auto polygons = maps->polygons(channel, tolerance, min_area);
    if (!polygons) return std::unexpected(polygons.error());
    reply.number(static_cast<std::uint32_t>(polygons->size()));
    for (const Polygon& polygon : *polygons) {
      write_ring(reply, polygon.outer);
      reply.number(static_cast<std::uint32_t>(polygon.holes.size()));
      for (const auto& hole : polygon.holes) write_ring(reply, hole);
      reply.real(polygon.area());
      write_box(reply, polygon.bounding_box());
    }
    return {};
  });
}

}  // extern "C"
}  // namespace silhouette::wasm
