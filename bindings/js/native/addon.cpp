#include <malloc.h>
#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "job_queue.hpp"
#include "plain_data.hpp"
#include "results.hpp"
#include "silhouette/silhouette.hpp"
#include "silhouette/version.hpp"

namespace silhouette::node {
namespace {

using SharedModule = std::shared_ptr<ImageSegmentationModule>;

/// What one JavaScript environment (the main thread or a worker) has of its own.
struct Environment {
  std::unique_ptr<JobQueue> queue;
  bool copy_results = false;
};

JobQueue& queue_of(Napi::Env env) {
  const auto* const data = env.GetInstanceData<Environment>();
  if (data == nullptr || !data->queue) throw Napi::Error::New(env, "initialize was not called");
  return *data->queue;
}

/// Does what frees a model on a thread of the queue: it can be hundreds of megabytes and have to wait for a running
/// call.
void free_elsewhere(Napi::Env env, std::move_only_function<void()> free_model) {
  const auto* const data = env.GetInstanceData<Environment>();
  if (data == nullptr || !data->queue) return;
  data->queue->run_unobserved([free_model = std::move(free_model)]() mutable {
    free_model();
    // Frees what it captured too.
    free_model = nullptr;
#ifdef __GLIBC__
    // A model's memory was taken by several threads, each of which would keep what it got back.
    ::malloc_trim(0);
#endif
  });
}

Napi::Value make_model(Napi::Env env, const SharedModule& module, const ModelDescription& description) {
  auto object = Napi::Object::New(env);
  object.Set("description", make_description(env, description));
  object.Set("handle",
             Napi::External<SharedModule>::New(env, new SharedModule(module), [](Napi::Env owner, SharedModule* done) {
               // Calls that go on may still need it.
               free_elsewhere(owner, [module = std::move(*done)]() mutable { module.reset(); });
               delete done;
             }));
  return object;
}

/// initialize(dispatch, copyResults): once, before anything else; `dispatch` hears of all jobs.
void initialize(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto* const data = env.GetInstanceData<Environment>();
  if (data->queue) throw Napi::Error::New(env, "initialize was called before");
  if (!info[0].IsFunction()) throw Napi::TypeError::New(env, "dispatch must be a function");
  data->queue = std::make_unique<JobQueue>(env, info[0].As<Napi::Function>());
  data->copy_results = info[1].ToBoolean();
  // After the queue's own hooks, so that it runs before them: no thread may outlive what it reports to.
  env.AddCleanupHook([](Environment* ending) { ending->queue->shut_down(); }, data);
}

/// load(source, options) → job, whose result is { handle, description }.
Napi::Value load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[1].IsObject()) throw Napi::TypeError::New(env, "options must be an object");
  auto source = read_model_source(info[0]);
  auto options = read_load_options(info[1].As<Napi::Object>());
  const auto id = queue_of(env).start([source = std::move(source), options = std::move(options)](
                                          const JobContext& context) mutable -> Result<MakeValue> {
    auto module = std::make_shared<ImageSegmentationModule>();
    module->on_download_progress(context.report_progress);
    options.stop = context.stop;
    if (auto loaded = module->load(std::move(source), options); !loaded) {
      return std::unexpected(std::move(loaded.error()));
    }
    module->on_download_progress({});
    auto description = module->description();
    if (!description) return std::unexpected(std::move(description.error()));
    return [module, description = std::move(*description)](Napi::Env owner) {
      return make_model(owner, module, description);
    };
  });
  return Napi::Number::New(env, id);
}

/// segment(model, image, classes, options) → job, whose result is a segmentation.
Napi::Value segment(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsExternal() || !info[3].IsObject()) throw Napi::TypeError::New(env, "a model and options are needed");
  SharedModule module = *info[0].As<Napi::External<SharedModule>>().Data();
  if (!module) throw Napi::TypeError::New(env, "the model was unloaded");
  SegmentArguments arguments{OwnedImage::read(info[1]), read_classes(info[2]),
                             read_forward_options(info[3].As<Napi::Object>())};
  const bool copy = env.GetInstanceData<Environment>()->copy_results;
  const auto id = queue_of(env).start([module = std::move(module), arguments = std::move(arguments),
                                       copy](const JobContext& context) mutable -> Result<MakeValue> {
    arguments.options.stop = context.stop;
    auto result = module->forward(arguments.image.source(), arguments.classes, arguments.options);
    if (!result) return std::unexpected(std::move(result.error()));
    const auto shared = std::make_shared<const Segmentation>(std::move(*result));
    return [shared, copy, keeps_image = arguments.options.keep_image](Napi::Env owner) {
      return make_segmentation(owner, shared, copy, keeps_image);
    };
  });
  return Napi::Number::New(env, id);
}

/// unload(model): frees it as soon as no call uses it, those that wait for a thread of the queue among them.
void unload(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsExternal()) throw Napi::TypeError::New(env, "a model is needed");
  SharedModule& module = *info[0].As<Napi::External<SharedModule>>().Data();
  free_elsewhere(env, [module = std::move(module)]() mutable { module.reset(); });
}

/// A job that makes something of a segmentation, and of that what JavaScript gets.
template <typename Render, typename Make>
Napi::Value render(const Napi::CallbackInfo& info, Render render, Make make) {
  auto segmentation = segmentation_of(info[0]);
  const auto id = queue_of(info.Env())
                      .start([segmentation = std::move(segmentation), render = std::move(render),
                              make](const JobContext&) -> Result<MakeValue> {
                        auto made = render(*segmentation);
                        if (!made) return std::unexpected(std::move(made.error()));
                        return make(std::move(*made));
                      });
  return Napi::Number::New(info.Env(), id);
}

/// maskPng(segmentation) → job, whose result is a Buffer.
Napi::Value mask_png(const Napi::CallbackInfo& info) {
  return render(info, [](const Segmentation& segmentation) { return segmentation.mask_png(); }, make_buffer);
}

/// overlayPng(segmentation, options) → job.
Napi::Value overlay_png(const Napi::CallbackInfo& info) {
  if (!info[1].IsObject()) throw Napi::TypeError::New(info.Env(), "options must be an object");
  return render(
      info,
      [options = read_overlay_options(info[1].As<Napi::Object>())](const Segmentation& segmentation) {
        return segmentation.overlay_png(options);
      },
      make_buffer);
}

/// cutoutPng(segmentation, classes, background) → job.
Napi::Value cutout_png(const Napi::CallbackInfo& info) {
  return render(
      info,
      [subject = read_classes(info[1]), behind = OwnedBackground::read(info[2])](const Segmentation& segmentation) {
        return segmentation.cutout_png(subject, behind.background());
      },
      make_buffer);
}

/// rle(segmentation, class) → job.
Napi::Value rle(const Napi::CallbackInfo& info) {
  return render(
      info, [label = read_class(info[1])](const Segmentation& segmentation) { return segmentation.rle(label); },
      make_rle);
}

/// polygons(segmentation, class, options) → job.
Napi::Value polygons(const Napi::CallbackInfo& info) {
  if (!info[2].IsObject()) throw Napi::TypeError::New(info.Env(), "options must be an object");
  return render(
      info,
      [label = read_class(info[1]),
       options = read_polygon_options(info[2].As<Napi::Object>())](const Segmentation& segmentation) {
        return segmentation.polygons(label, options.tolerance, options.min_area);
      },
      make_polygons);
}

/// Where downloads are kept: a string, or nothing for the default.
std::string read_cache_directory(Napi::Value value) {
  if (value.IsUndefined()) return {};
  if (!value.IsString()) throw Napi::TypeError::New(value.Env(), "the cache's folder must be a string");
  return value.As<Napi::String>().Utf8Value();
}

/// A job on the cache, and of what it gives what JavaScript gets.
template <typename Ask, typename Make>
Napi::Value ask_cache(Napi::Env env, Ask ask, Make make) {
  const auto id = queue_of(env).start([ask = std::move(ask), make](const JobContext&) -> Result<MakeValue> {
    auto answer = ask();
    if (!answer) return std::unexpected(std::move(answer.error()));
    return make(std::move(*answer));
  });
  return Napi::Number::New(env, id);
}

/// cachedModels(directory) → job, whose result is a list.
Napi::Value cached_models(const Napi::CallbackInfo& info) {
  return ask_cache(
      info.Env(), [directory = read_cache_directory(info[0])] { return list_cached_models(directory); },
      make_cached_models);
}

/// fetchModel(source, directory) → job, whose result is the path of the model's file.
Napi::Value fetch_model_file(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "a model is named by a string");
  const auto id =
      queue_of(info.Env())
          .start([source = info[0].As<Napi::String>().Utf8Value(),
                  directory = read_cache_directory(info[1])](const JobContext& context) -> Result<MakeValue> {
            auto path = fetch_model(source, directory, context.report_progress, context.stop);
            if (!path) return std::unexpected(std::move(path.error()));
            return [path = std::move(*path)](Napi::Env env) -> Napi::Value { return Napi::String::New(env, path); };
          });
  return Napi::Number::New(info.Env(), id);
}

/// removeModel(source, directory) → job, whose result tells whether there was one.
Napi::Value remove_cached_model(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) throw Napi::TypeError::New(info.Env(), "a model in the cache is named by a string");
  return ask_cache(
      info.Env(),
      [source = info[0].As<Napi::String>().Utf8Value(), directory = read_cache_directory(info[1])] {
        return remove_model(source, directory);
      },
      [](bool removed) -> MakeValue {
        return [removed](Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, removed); };
      });
}

/// pruneCache(options, directory) → job, whose result is a list of what was deleted.
Napi::Value prune_cache(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) throw Napi::TypeError::New(info.Env(), "options must be an object");
  return ask_cache(
      info.Env(),
      [options = read_prune_options(info[0].As<Napi::Object>()), directory = read_cache_directory(info[1])] {
        return prune_cached_models(options, directory);
      },
      make_cached_models);
}

/// trust(added, fallback): certificates as PEM. Those are the process's, so that only the first environment's count.
void trust(const Napi::CallbackInfo& info) {
  if (!info[0].IsString() || !info[1].IsString()) throw Napi::TypeError::New(info.Env(), "certificates are strings");
  static std::once_flag once;
  std::call_once(once, [&] {
    add_trusted_certificates(info[0].As<Napi::String>().Utf8Value());
    set_fallback_certificates(info[1].As<Napi::String>().Utf8Value());
  });
}

/// cancel(job)
void cancel(const Napi::CallbackInfo& info) {
  queue_of(info.Env()).cancel(info[0].ToNumber().Uint32Value());
}

Napi::Value registered_models_of(const Napi::CallbackInfo& info) {
  return make_registered_models(info.Env());
}

Napi::Value readable_image_formats_of(const Napi::CallbackInfo& info) {
  return make_texts(info.Env(), readable_image_formats());
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Environment());
  const auto set = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  set("initialize", initialize);
  set("load", load);
  set("segment", segment);
  set("unload", unload);
  set("maskPng", mask_png);
  set("overlayPng", overlay_png);
  set("cutoutPng", cutout_png);
  set("rle", rle);
  set("polygons", polygons);
  set("cachedModels", cached_models);
  set("fetchModel", fetch_model_file);
  set("removeModel", remove_cached_model);
  set("pruneCache", prune_cache);
  set("trust", trust);
  set("cancel", cancel);
  set("registeredModels", registered_models_of);
  set("readableImageFormats", readable_image_formats_of);
  exports.Set("version", Napi::String::New(env, kVersion));
  return exports;
}

}  // namespace

NODE_API_MODULE(silhouette, start)

}  // namespace silhouette::node
