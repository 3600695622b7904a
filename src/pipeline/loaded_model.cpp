#include "pipeline/loaded_model.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/file.hpp"
#include "base/instruction_set.hpp"
#include "base/processors.hpp"
#include "formats/model.hpp"
#include "graph/output_range.hpp"
#include "pipeline/engines.hpp"
#include "pipeline/shared_workers.hpp"
#include "resources/models.hpp"
#include "resources/sha256.hpp"
#include "resources/source.hpp"
#include "session/interpretation.hpp"

namespace silhouette {
namespace {

Result<void> check_sha256(std::span<const std::byte> bytes, const std::string& wanted) {
  if (wanted.empty()) return {};
  const auto expected = normalize_sha256(wanted);
  if (!expected) return std::unexpected(expected.error());
  const auto actual = sha256_hex(bytes);
  if (!actual) return std::unexpected(actual.error());
  if (*actual == *expected) return {};
  return fail(ErrorCode::kInvalidModel,
              fmt::format("the SHA-256 of the model's {} bytes is {} instead of {}", bytes.size(), *actual, *expected));
}

Result<std::shared_ptr<const ModelData>> read_model(const LocalModel& model) {
  if (model.ours) {
    auto file = MappedFile::open_private(model.path, kMaxModelBytes);
    if (file) return std::make_shared<ModelData>(std::move(*file));
  }
  auto bytes = read_large_file(model.path, kMaxModelBytes);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  return std::make_shared<ModelData>(std::move(*bytes));
}

}  // namespace

Result<ModelFile> open_model(ModelSource source, const LoadOptions& options,
                             const std::function<void(double)>& progress) {
  if (auto* bytes = std::get_if<std::vector<std::byte>>(&source.value())) {
    if (auto checked = check_sha256(*bytes, options.sha256); !checked)
      return std::unexpected(std::move(checked.error()));
    if (progress) {
      progress(0.0);
      progress(1.0);
    }
    return ModelFile{std::make_shared<ModelData>(std::move(*bytes)), "bytes", nullptr, {}};
  }
  const auto& text = std::get<std::string>(source.value());
  auto local = resolve_model(
      text, options.cache_directory, progress, options.stop,
      {.sha256 = options.sha256, .check = formats::check_whole, .limits = model_limits(options.patience)});
  if (!local) return std::unexpected(std::move(local.error()));
  auto data = read_model(*local);
  if (!data) return std::unexpected(std::move(data.error()));
  // Once more: these are the bytes that run, whatever became of the file since it was looked at.
  if (auto checked = check_sha256((*data)->bytes(), options.sha256); !checked) {
    return std::unexpected(std::move(checked.error()));
  }
  return ModelFile{std::move(*data), display_source(text), local->entry, local->path, local->cached};
}

namespace {

Result<std::shared_ptr<LoadedModel>> load_file(ModelFile* file, const LoadOptions& options) {
  const int threads = options.threads == 0 ? available_processors() : options.threads;
  auto read = formats::read_model(file->data->bytes(), file->name, {.labels = options.labels.size()});
  if (!read) {
    if (read.error().code == ErrorCode::kUnsupportedModel && options.engine == EngineChoice::kExecutorch)
      read.error().message += ". No engine is given a file that can't be verified";
    return std::unexpected(std::move(read.error()));
  }
  auto interpretation = interpret(
      *read, {.normalization = options.normalization, .labels = options.labels, .entry = file->entry}, file->name);
  if (!interpretation) return std::unexpected(std::move(interpretation.error()));

  auto model = std::make_shared<LoadedModel>();
  auto& description = model->description;
  const NetworkShape& shape = read->contract->shape;
  description.source = file->name;
  description.input_width = shape.input_width;
  description.input_height = shape.input_height;
  description.output_width = shape.output_width;
  description.output_height = shape.output_height;
  description.channels = shape.channels;
  description.operators = std::move(read->operators);
  description.delegates = std::move(read->delegates);
  description.normalization = interpretation->normalization.value;
  description.normalization_origin = std::move(interpretation->normalization.origin);
  description.labels = std::move(interpretation->labels.value);
  description.labels_origin = std::move(interpretation->labels.origin);
  description.has_probabilities = interpretation->has_probabilities;
  description.background = interpretation->background;
  description.threads = threads;
  description.instructions = instruction_set_name(best_instruction_set());
  if (options.stop.stop_requested())
    return fail(ErrorCode::kCancelled, fmt::format("loading '{}' was cancelled", file->name));
  // Before the engine, which may use its threads until it ends.
  model->pool = std::make_unique<ThreadPool>(shared_workers(), threads);
  const auto range = read->graph ? graph::output_range(*read->graph) : graph::OutputRange::kUnknown;
  auto chosen = make_engine({.data = std::move(file->data),
                             .model = std::move(*read),
                             .name = file->name,
                             .file = std::move(file->path),
                             .threads = threads},
                            options, *model->pool);
  if (!chosen) return std::unexpected(std::move(chosen.error()));
  description.engine = chosen->engine->name();
  description.engine_reason = std::move(chosen->reason);
  model->segmenter = std::make_unique<Segmenter>(Network{.name = description.source,
                                                         .engine = std::move(chosen->engine),
                                                         .normalization = description.normalization,
                                                         .labels = description.labels,
                                                         .has_probabilities = description.has_probabilities,
                                                         .output_range = range},
                                                 *model->pool);
  return model;
}

}  // namespace

Result<std::shared_ptr<LoadedModel>> load_model(ModelSource source, const LoadOptions& options,
                                                const std::function<void(double)>& progress) {
  if (options.threads < 0 || options.threads > kMostThreads) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} threads; give 1 … {}, or 0 for all processors", options.threads, kMostThreads));
  }
  if (auto known = check_instruction_set(); !known) return std::unexpected(std::move(known.error()));
  auto file = open_model(std::move(source), options, progress);
  if (!file) return std::unexpected(std::move(file.error()));
  const std::string download = file->cached ? file->path.string() : "";
  auto model = load_file(&*file, options);
  if (!model && model.error().code == ErrorCode::kInvalidModel && !download.empty()) {
    model.error().message += fmt::format(
        "; if its file in the cache was damaged, silhouette models rm '{}' has it downloaded anew", download);
  }
  return model;
}

}  // namespace silhouette
