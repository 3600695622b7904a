#include "pipeline/engines.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "engine/native/native_engine.hpp"
#include "engine/native/packed_file.hpp"
#include "resources/models.hpp"
#ifdef SILHOUETTE_WITH_EXECUTORCH
#include "engine/executorch/executorch_engine.hpp"
#endif

namespace silhouette {
namespace {

/// Changes whenever the file's contents do: every way to write or replace a file changes one of these. `is_ours`: files
/// of the cache are replaced whole, and the time of their last use is noted, which changes the last of these.
std::string file_key(const std::filesystem::path& path, bool is_ours) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return {};
  const timespec changed = is_ours ? timespec{} : status.st_ctim;
  return fmt::format("{} {} {} {}.{:09} {}.{:09}", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec, changed.tv_sec, changed.tv_nsec);
}

/// One file a model, engine setting and instruction set, named so that another model's isn't replaced.
std::filesystem::path packed_path(const std::filesystem::path& cache, const std::filesystem::path& model, bool low) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(model, error);
  const std::size_t hash = std::hash<std::string>()(absolute.string());
  return packed_directory(cache) / fmt::format("{}-{:016x}-{}{}.bin", model.stem().string(), hash,
                                               kernels::best_kernels().name, low ? "-low" : "");
}

Result<std::unique_ptr<Engine>> make_native(EngineRequest& request, const LoadOptions& options, ThreadPool& pool) {
  NativeOptions native;
  native.low_memory = options.memory == MemoryUse::kLow;
  if (options.keep_packed_weights && !request.file.empty()) {
    native.model_key = file_key(request.file, request.data->is_mapped());
    const auto cache = cache_directory(options.cache_directory);
    if (cache && !native.model_key.empty())
      native.kept = native::kept_in_file(packed_path(*cache, request.file, native.low_memory));
  }
  return create_native_engine(std::move(*request.model.graph), request.model.contract->shape, pool, native,
                              request.name);
}

Result<std::unique_ptr<Engine>> make_executorch(EngineRequest request, [[maybe_unused]] std::string_view remedy) {
#ifdef SILHOUETTE_WITH_EXECUTORCH
  const auto& needs = request.model.other_engines;
  if (!needs.obstacle.empty()) {
    return fail(ErrorCode::kUnsupportedModel,
                fmt::format("ExecuTorch can't run '{}': {}; {}", request.name, needs.obstacle, remedy));
  }
  return create_executorch_engine(std::move(request.data), request.model.contract->shape, request.threads, request.name,
                                  needs.kept);
#else
  return fail(
      ErrorCode::kUnsupportedModel,
      fmt::format("this build has no ExecuTorch to run '{}' with; build with SILHOUETTE_EXECUTORCH=ON", request.name));
#endif
}

constexpr bool kHasExecutorch =
#ifdef SILHOUETTE_WITH_EXECUTORCH
    true;
#else
    false;
#endif

}  // namespace

Result<ChosenEngine> make_engine(EngineRequest request, const LoadOptions& options, ThreadPool& pool) {
  std::string reason = "asked for";
  std::string remedy = "let the native engine run it (--engine auto, EngineChoice::kAuto)";
  if (options.engine != EngineChoice::kExecutorch) {
    if (const auto& graph = request.model.graph) {
      auto native = make_native(request, options, pool);
      if (!native) return std::unexpected(std::move(native.error()));
      const bool chosen = options.engine == EngineChoice::kAuto;
      return ChosenEngine{.engine = std::move(*native),
                          .reason = chosen ? "knows all of the model's operators" : reason};
    } else if (graph.error().code != ErrorCode::kUnsupportedModel) {
      return std::unexpected(graph.error());
    }
    const std::string& why = request.model.graph.error().reason;
    if (!kHasExecutorch || options.engine == EngineChoice::kNative) {
      return fail(ErrorCode::kUnsupportedModel,
                  fmt::format("the native engine can't run '{}': {}; {}", request.name, why,
                              kHasExecutorch ? "let ExecuTorch run it (--engine auto, EngineChoice::kAuto)"
                                             : "ExecuTorch might: build with SILHOUETTE_EXECUTORCH=ON"));
    }
    reason = fmt::format("the native engine can't run it: {}", why);
    remedy = reason;
  }
  auto executorch = make_executorch(std::move(request), remedy);
  if (!executorch) return std::unexpected(std::move(executorch.error()));
  return ChosenEngine{.engine = std::move(*executorch), .reason = std::move(reason)};
}

}  // namespace silhouette
