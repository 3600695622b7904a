#include "results.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace silhouette::node {
namespace {

/// What a `handle` refers to.
struct Handle {
  SharedSegmentation segmentation;
  std::int64_t image_bytes = 0;  ///< memory that JavaScript's garbage collector can't see otherwise
};

Napi::String text(Napi::Env env, std::string_view value) {
  return Napi::String::New(env, value.data(), value.size());
}

template <typename Strings>
Napi::Array texts(Napi::Env env, const Strings& values) {
  auto array = Napi::Array::New(env, values.size());
  std::uint32_t i = 0;
  for (const auto& value : values) array.Set(i++, text(env, value));
  return array;
}

Napi::Array numbers(Napi::Env env, std::span<const float> values) {
  auto array = Napi::Array::New(env, values.size());
  std::uint32_t i = 0;
  for (const float value : values) array.Set(i++, Napi::Number::New(env, static_cast<double>(value)));
  return array;
}

Napi::Value make_array_buffer(Napi::Env env, const SharedSegmentation& owner, std::span<const std::byte> bytes,
                              bool copy) {
  if (!copy) {
    napi_value buffer = nullptr;
    auto keeper = std::make_unique<SharedSegmentation>(owner);
    const auto release = [](napi_env, void*, void* hint) { delete static_cast<SharedSegmentation*>(hint); };
    // JavaScript may write to a result that is its own; nothing in C++ reads it at the same time but what makes
    // pictures, whose result then is the caller's affair.
    const napi_status status = napi_create_external_arraybuffer(env, const_cast<std::byte*>(bytes.data()), bytes.size(),
                                                                release, keeper.get(), &buffer);
    if (status == napi_ok) {
      static_cast<void>(keeper.release());
      return {env, buffer};
    }
    // Electron's memory cage takes no memory from outside of it.
    if (status != napi_no_external_buffers_allowed) throw Napi::Error::New(env);
  }
  auto buffer = Napi::ArrayBuffer::New(env, bytes.size());
  std::memcpy(buffer.Data(), bytes.data(), bytes.size());
  return buffer;
}

Napi::Array make_box(Napi::Env env, const Box& box) {
  auto array = Napi::Array::New(env, 4);
  array.Set(0U, box.x);
  array.Set(1U, box.y);
  array.Set(2U, box.width);
  array.Set(3U, box.height);
  return array;
}

Napi::Object make_info(Napi::Env env, const SegmentationInfo& info) {
  const auto& ms = info.timings;
  auto timings = Napi::Object::New(env);
  timings.Set("readMs", ms.read_ms);
  timings.Set("decodeMs", ms.decode_ms);
  timings.Set("preprocessMs", ms.preprocess_ms);
  timings.Set("networkMs", ms.network_ms);
  timings.Set("postprocessMs", ms.postprocess_ms);
  timings.Set("totalMs", ms.total_ms);
  auto object = Napi::Object::New(env);
  object.Set("model", text(env, info.model));
  object.Set("engine", text(env, info.engine));
  object.Set("engineReason", text(env, info.engine_reason));
  object.Set("imageWidth", info.image_width);
  object.Set("imageHeight", info.image_height);
  object.Set("timings", timings);
  return object;
}

}  // namespace

Napi::Value make_segmentation(Napi::Env env, const SharedSegmentation& segmentation, bool copy, bool keeps_image) {
  auto object = Napi::Object::New(env);
  object.Set("width", segmentation->width());
  object.Set("height", segmentation->height());
  object.Set("labels", texts(env, segmentation->labels()));
  object.Set("info", make_info(env, segmentation->info()));

  const auto argmax = segmentation->argmax();
  const auto map_buffer = [&](std::span<const std::byte> bytes) {
    return make_array_buffer(env, segmentation, bytes, copy).As<Napi::ArrayBuffer>();
  };
  object.Set("argmax", Napi::Int32Array::New(env, argmax.size(), map_buffer(std::as_bytes(argmax)), 0));
  const auto classes = segmentation->classes();
  auto channels = Napi::Array::New(env, classes.size());
  auto probabilities = Napi::Array::New(env, classes.size());
  for (std::uint32_t i = 0; i < classes.size(); ++i) {
    const auto map = segmentation->probability(classes[i]);
    if (!map) throw Napi::Error::New(env, map.error().message);
    channels.Set(i, classes[i]);
    probabilities.Set(i, Napi::Float32Array::New(env, map->size(), map_buffer(std::as_bytes(*map)), 0));
  }
  object.Set("classes", channels);
  object.Set("probabilities", probabilities);

  auto handle = std::make_unique<Handle>(Handle{segmentation});
  if (keeps_image) handle->image_bytes = std::int64_t{3} * segmentation->width() * segmentation->height();
  Napi::MemoryManagement::AdjustExternalMemory(env, handle->image_bytes);
  object.Set("handle", Napi::External<Handle>::New(env, handle.release(), [](Napi::Env owner, Handle* done) {
               Napi::MemoryManagement::AdjustExternalMemory(owner, -done->image_bytes);
               delete done;
             }));
  return object;
}

SharedSegmentation segmentation_of(Napi::Value handle) {
  if (!handle.IsExternal()) throw Napi::TypeError::New(handle.Env(), "not the handle of a segmentation");
  return handle.As<Napi::External<Handle>>().Data()->segmentation;
}

MakeValue make_buffer(std::vector<std::byte> bytes) {
  // Shared, since a std::function must be copyable.
  auto owner = std::make_shared<std::vector<std::byte>>(std::move(bytes));
  return [owner](Napi::Env env) -> Napi::Value {
    auto* const keeper = new std::shared_ptr<std::vector<std::byte>>(owner);
    return Napi::Buffer<std::byte>::NewOrCopy(
        env, owner->data(), owner->size(),
        [](Napi::Env, std::byte*, std::shared_ptr<std::vector<std::byte>>* done) { delete done; }, keeper);
  };
}

MakeValue make_rle(Rle rle) {
  auto owner = std::make_shared<const Rle>(std::move(rle));
  auto compressed = owner->compressed();
  if (!compressed) throw std::bad_alloc();
  return [owner, compressed = std::move(*compressed), area = owner->area(),
          box = owner->bounding_box()](Napi::Env env) -> Napi::Value {
    auto object = Napi::Object::New(env);
    auto size = Napi::Array::New(env, 2);
    size.Set(0U, owner->height);
    size.Set(1U, owner->width);
    auto counts = Napi::Uint32Array::New(env, owner->counts.size());
    std::ranges::copy(owner->counts, counts.Data());
    object.Set("size", size);
    object.Set("counts", counts);
    object.Set("compressed", text(env, compressed));
    object.Set("area", static_cast<double>(area));
    object.Set("box", make_box(env, box));
    return object;
  };
}

MakeValue make_polygons(std::vector<Polygon> polygons) {
  auto owner = std::make_shared<const std::vector<Polygon>>(std::move(polygons));
  return [owner](Napi::Env env) -> Napi::Value {
    std::size_t points = 0;
    for (const auto& polygon : *owner) {
      points += polygon.outer.size();
      for (const auto& hole : polygon.holes) points += hole.size();
    }
    const auto buffer = Napi::ArrayBuffer::New(env, points * sizeof(Point));
    std::size_t used = 0;
    const auto ring = [&](const std::vector<Point>& values) {
      static_assert(sizeof(Point) == 2 * sizeof(std::int32_t));
      auto view = Napi::Int32Array::New(env, values.size() * 2, buffer, used);
      std::memcpy(view.Data(), values.data(), values.size() * sizeof(Point));
      used += values.size() * sizeof(Point);
      return view;
    };
    auto array = Napi::Array::New(env, owner->size());
    for (std::uint32_t i = 0; i < owner->size(); ++i) {
      const Napi::HandleScope scope(env);
      const auto& polygon = (*owner)[i];
      auto holes = Napi::Array::New(env, polygon.holes.size());
      auto object = Napi::Object::New(env);
      object.Set("outer", ring(polygon.outer));
      for (std::uint32_t hole = 0; hole < polygon.holes.size(); ++hole) holes.Set(hole, ring(polygon.holes[hole]));
      object.Set("holes", holes);
      object.Set("area", polygon.area());
      object.Set("box", make_box(env, polygon.bounding_box()));
      array.Set(i, object);
    }
    return array;
  };
}

MakeValue make_cached_models(std::vector<CachedModel> models) {
  return [models = std::move(models)](Napi::Env env) -> Napi::Value {
    auto array = Napi::Array::New(env, models.size());
    for (std::uint32_t i = 0; i < models.size(); ++i) {
      const auto& model = models[i];
      const auto used = std::chrono::duration<double, std::milli>(model.last_used.time_since_epoch());
      auto entry = Napi::Object::New(env);
      entry.Set("path", text(env, model.path));
      entry.Set("name", text(env, model.name));
      entry.Set("bytes", static_cast<double>(model.bytes));
      entry.Set("complete", model.complete);
      entry.Set("packed", model.packed);
      entry.Set("lastUsedMs", used.count());
      array.Set(i, entry);
    }
    return array;
  };
}

Napi::Object make_description(Napi::Env env, const ModelDescription& description) {
  auto object = Napi::Object::New(env);
  object.Set("source", text(env, description.source));
  object.Set("engine", text(env, description.engine));
  object.Set("engineReason", text(env, description.engine_reason));
  object.Set("inputWidth", description.input_width);
  object.Set("inputHeight", description.input_height);
  object.Set("outputWidth", description.output_width);
  object.Set("outputHeight", description.output_height);
  object.Set("channels", description.channels);
  object.Set("labels", texts(env, description.labels));
  object.Set("labelsOrigin", text(env, description.labels_origin));
  object.Set("mean", numbers(env, description.normalization.mean));
  object.Set("std", numbers(env, description.normalization.std));
  object.Set("normalizationOrigin", text(env, description.normalization_origin));
  object.Set("operators", texts(env, description.operators));
  object.Set("delegates", texts(env, description.delegates));
  return object;
}

Napi::Array make_texts(Napi::Env env, const std::vector<std::string>& values) {
  return texts(env, values);
}

Napi::Array make_registered_models(Napi::Env env) {
  const auto models = registered_models();
  auto array = Napi::Array::New(env, models.size());
  for (std::uint32_t i = 0; i < models.size(); ++i) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", text(env, models[i].name));
    entry.Set("url", text(env, models[i].url));
    entry.Set("description", text(env, models[i].description));
    array.Set(i, entry);
  }
  return array;
}

}  // namespace silhouette::node
