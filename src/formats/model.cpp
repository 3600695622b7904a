#include "formats/model.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace silhouette::formats {
namespace {

const Format& format_of(std::span<const std::byte> file) {
  const auto formats = all_formats();
  const auto found = std::ranges::find_if(formats, [&](const Format* format) { return format->recognizes(file); });
  return found == formats.end() ? *formats.front() : **found;
}

/// Engines turn an output of pixels into planes: an image with all its dimensions, whatever of those that are 1 it had.
void make_image(graph::Graph& graph, const NetworkShape& shape) {
  std::vector<std::int64_t> dims{1, shape.output_height, shape.output_width, shape.channels};
  if (!shape.output_nhwc || graph.tensors[graph.output].dims == dims) return;
  const graph::TensorId image = graph.add_tensor(std::move(dims));
  graph.nodes.push_back({.op = graph::Op::kCopy, .inputs = {graph.output}, .output = image});
  graph.output = image;
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
    make_image(*model->graph, model->contract->shape);
  }
  return model;
}

Result<void> check_whole(std::span<const std::byte> file, std::string_view name) {
  auto whole = format_of(file).check_whole(file, name);
  if (!whole && whole.error().code == ErrorCode::kInvalidModel) return whole;
  return {};
}

}  // namespace silhouette::formats
