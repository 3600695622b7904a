#include "pipeline/loaded_model.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/file.hpp"
#include "base/instruction_set.hpp"
#include "base/processors.hpp"
#include "formats/pte/network.hpp"
#include "formats/pte/program.hpp"
#include "graph/output_range.hpp"
#include "pipeline/class_ids.hpp"
#include "pipeline/engines.hpp"
#include "pipeline/model_check.hpp"
#include "pipeline/model_metadata.hpp"
#include "pipeline/network_shape.hpp"
#include "pipeline/shared_workers.hpp"
#include "resources/models.hpp"
#include "resources/sha256.hpp"
#include "resources/source.hpp"

namespace silhouette {
namespace {

constexpr int kMaxThreads = 256;

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
  auto local =
      resolve_model(text, options.cache_directory, progress, options.stop,
                    {.sha256 = options.sha256, .check = check_model_file, .limits = model_limits(options.patience)});
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
  auto program = pte::parse_program(file->data->bytes(), file->name);
  if (!program) {
    if (program.error().code == ErrorCode::kUnsupportedModel && options.engine == EngineChoice::kExecutorch)
      program.error().message += ". No engine is given a file that can't be verified";
    return std::unexpected(std::move(program.error()));
  }
  auto given = given_labels(*program, options, file->name);
  if (!given) return std::unexpected(std::move(given.error()));
  const auto shape = network_shape(*program, file->name, given->value.size());
  if (!shape) return std::unexpected(shape.error());
  auto labels =
      decide_labels(std::move(*given), *shape, program->outputs[shape->output_index], file->entry, file->name);
  if (!labels) return std::unexpected(std::move(labels.error()));
  auto normalization = decide_normalization(*program, file->entry, options, file->name);
  if (!normalization) return std::unexpected(std::move(normalization.error()));

  auto model = std::make_shared<LoadedModel>();
  auto& description = model->description;
  description.source = file->name;
  description.input_width = shape->input_width;
  description.input_height = shape->input_height;
  description.output_width = shape->output_width;
  description.output_height = shape->output_height;
  description.channels = shape->channels;
  description.operators = program->operators;
  description.delegates = program->delegates;
  description.normalization = normalization->value;
  description.normalization_origin = std::move(normalization->origin);
  description.labels = std::move(labels->value);
  description.labels_origin = std::move(labels->origin);
  description.has_probabilities =
      shape->output_type == OutputType::kFloat && (shape->channels > 1 || description.labels.size() == 2);
  description.background = background_class(description.labels);
  description.threads = threads;
  description.instructions = instruction_set_name(best_instruction_set());
  if (options.stop.stop_requested())
    return fail(ErrorCode::kCancelled, fmt::format("loading '{}' was cancelled", file->name));
  // Before the engine, which may use its threads until it ends.
  model->pool = std::make_unique<ThreadPool>(shared_workers(), threads);
  auto network = pte::read_network(file->data->bytes(), file->name, shape->output_index);
  if (network) model->output_range = graph::output_range(*network);
  auto chosen = make_engine({.data = std::move(file->data),
                             .network = std::move(network),
                             .shape = *shape,
                             .name = file->name,
                             .file = std::move(file->path),
                             .threads = threads,
                             .kept = program->payloads_in_use,
                             .only_native = program->fault_of_xnnpack},
                            options, *model->pool);
  if (!chosen) return std::unexpected(std::move(chosen.error()));
  model->engine = std::move(chosen->engine);
  description.engine = model->engine->name();
  description.engine_reason = std::move(chosen->reason);
  return model;
}

}  // namespace

Result<std::shared_ptr<LoadedModel>> load_model(ModelSource source, const LoadOptions& options,
                                                const std::function<void(double)>& progress) {
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} threads; give 1 … {}, or 0 for all processors", options.threads, kMaxThreads));
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
