#include "formats/model.hpp"

#include <algorithm>

namespace silhouette::formats {
namespace {

const Format& format_of(std::span<const std::byte> file) {
  const auto formats = all_formats();
  const auto found = std::ranges::find_if(formats, [&](const Format* format) { return format->recognizes(file); });
  return found == formats.end() ? *formats.front() : **found;
}

}  // namespace

Result<Model> read_model(std::span<const std::byte> file, std::string_view name, const ReadOptions& options) {
  const Format& format = format_of(file);
  auto model = format.read(file, name, options);
  if (!model) return model;
  model->format = format.name;
  if (model->graph && model->contract) {
    if (auto ok = check_contract(*model->graph, model->contract->shape, name); !ok)
      return std::unexpected(std::move(ok.error()));
  }
  return model;
}

Result<void> check_whole(std::span<const std::byte> file, std::string_view name) {
  auto whole = format_of(file).check_whole(file, name);
  if (!whole && whole.error().code == ErrorCode::kInvalidModel) return whole;
  return {};
}

}  // namespace silhouette::formats
