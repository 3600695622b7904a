#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "job_queue.hpp"
#include "silhouette/silhouette.hpp"

namespace silhouette::node {

using SharedSegmentation = std::shared_ptr<const Segmentation>;

/// Everything that JavaScript sees of a result: sizes, labels and `info`, the maps as typed arrays, and `handle`, by
/// which the calls that make pictures name it. Unless `copy` is set or the environment forbids it, the arrays are the
/// segmentation's own memory and keep it alive.
Napi::Value make_segmentation(Napi::Env env, const SharedSegmentation& segmentation, bool copy, bool keeps_image);

/// The segmentation behind a `handle`; throws Napi::TypeError for anything else.
SharedSegmentation segmentation_of(Napi::Value handle);

/// A job's result that is bytes: a Buffer that takes them over where that is allowed.
MakeValue make_buffer(std::vector<std::byte> bytes);

/// { size, counts, compressed, area, box }
MakeValue make_rle(Rle rle);

/// [{ outer, holes, area, box }]; all rings are views of one buffer.
MakeValue make_polygons(std::vector<Polygon> polygons);

/// [{ path, name, bytes, complete, packed, lastUsedMs }]
MakeValue make_cached_models(std::vector<CachedModel> models);

Napi::Object make_description(Napi::Env env, const ModelDescription& description);
Napi::Array make_registered_models(Napi::Env env);
Napi::Array make_texts(Napi::Env env, const std::vector<std::string>& values);

}  // namespace silhouette::node
