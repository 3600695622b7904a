#include "pipeline/loaded_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/file.hpp"
#include "base/processors.hpp"
#include "formats/pte/program.hpp"
#include "pipeline/class_ids.hpp"
#include "pipeline/engines.hpp"
#include "pipeline/model_check.hpp"
#include "pipeline/network_shape.hpp"
#include "preprocess/preprocess.hpp"
#include "resources/models.hpp"
#include "resources/sha256.hpp"
#include "resources/source.hpp"
#include "silhouette/labels.hpp"

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

Result<std::array<float, 3>> three_numbers(const pte::Program& program, std::string_view method,
                                           std::string_view name) {
  const auto found = program.metadata.find(method);
  const auto* values = found == program.metadata.end() ? nullptr : std::get_if<std::vector<double>>(&found->second);
  if (values == nullptr || values->size() != 3) {
    return fail(
        ErrorCode::kInvalidModel,
        fmt::format("'{}' has no list of three numbers as its {}; give --mean and --std or LoadOptions::normalization "
                    "instead",
                    name, method));
  }
  std::array<float, 3> numbers{};
  std::ranges::transform(*values, numbers.begin(), [](double value) { return static_cast<float>(value); });
  return numbers;
}

Result<void> decide_normalization(const pte::Program& program, const ModelEntry* entry, const LoadOptions& options,
                                  std::string_view name, ModelDescription& description) {
  if (options.normalization) {
    description.normalization = *options.normalization;
    description.normalization_origin = "caller";
  } else if (program.metadata.contains("get_mean") || program.metadata.contains("get_std")) {
    const auto mean = three_numbers(program, "get_mean", name);
    if (!mean) return std::unexpected(mean.error());
    const auto std = three_numbers(program, "get_std", name);
    if (!std) return std::unexpected(std.error());
    description.normalization = {*mean, *std};
    description.normalization_origin = "file";
  } else if (entry != nullptr) {
    description.normalization = entry->normalization;
    description.normalization_origin = "registry";
  } else {
    description.normalization_origin = "default";
  }
  return check_normalization(description.normalization);
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end > 0 && text[end - 1] == '\r' ? end - 1 : end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Result<void> decide_labels(const pte::Program& program, const ModelEntry* entry, const LoadOptions& options,
                           std::string_view name, ModelDescription& description) {
  // A single channel is a foreground's probability; its background is implied.
  const auto classes = static_cast<std::size_t>(std::max(description.channels, 2));
  const auto metadata = program.metadata.find("get_labels");
  const auto* text = metadata == program.metadata.end() ? nullptr : std::get_if<std::string>(&metadata->second);
  if (!options.labels.empty()) {
    description.labels = options.labels;
    description.labels_origin = "caller";
  } else if (text != nullptr) {
    description.labels = split_lines(*text);
    description.labels_origin = "file";
  } else if (entry != nullptr && entry->labels.size() == classes) {
    // A mirror may give another network under the name; the default fits any.
    description.labels.assign(entry->labels.begin(), entry->labels.end());
    description.labels_origin = "registry";
  } else {
    description.labels_origin = "default";
    if (description.channels == 1) {
      description.labels = {"BACKGROUND", "FOREGROUND"};
    } else if (description.channels == kDeeplabClassCount) {
      description.labels.assign(kDeeplabLabelNames.begin(), kDeeplabLabelNames.end());
    } else {
      for (std::size_t i = 0; i < classes; ++i) description.labels.push_back(fmt::format("class_{}", i));
    }
  }
  if (description.labels.size() != classes) {
    const bool callers = description.labels_origin == "caller";
    return fail(callers ? ErrorCode::kInvalidArgument : ErrorCode::kInvalidModel,
                fmt::format("{} labels for the {} classes of '{}'{}", description.labels.size(), classes, name,
                            callers ? "" : "; give LoadOptions::labels or --labels"));
  }
  return {};
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
  const auto program = pte::parse_program(file->data->bytes(), file->name);
  if (!program) return std::unexpected(program.error());
  const auto shape = network_shape(*program, file->name);
  if (!shape) return std::unexpected(shape.error());

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
  if (auto decided = decide_normalization(*program, file->entry, options, file->name, description); !decided) {
    return std::unexpected(std::move(decided.error()));
  }
  if (auto decided = decide_labels(*program, file->entry, options, file->name, description); !decided) {
    return std::unexpected(std::move(decided.error()));
  }
  description.background = background_class(description.labels);
  description.threads = threads;
  if (options.stop.stop_requested())
    return fail(ErrorCode::kCancelled, fmt::format("loading '{}' was cancelled", file->name));
  // Before the engine, which may use its threads until it ends.
  model->pool = std::make_unique<ThreadPool>(threads);
  auto chosen = make_engine({.data = std::move(file->data),
                             .shape = *shape,
                             .name = file->name,
                             .file = std::move(file->path),
                             .threads = threads},
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
