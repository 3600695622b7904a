#include "fuzz/engines.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "formats/model.hpp"
#include "fuzz/input.hpp"
#include "graph/reference.hpp"

namespace silhouette::fuzz {
namespace {

constexpr std::string_view kName = "fuzz.pte";
/// Of all tensors together, and of all windows' and products' steps: a run takes milliseconds.
constexpr double kMostValues = 1e6;
constexpr double kMostSteps = 2e7;
/// A step's error beside the largest value anywhere, as the engine's own tests have it: sums of n rounded products err
/// by some √n ulp, Winograd's by some ten times that.
constexpr double kStepError = 2e-5;

void require_reason(const Error& error) {
  if (error.code != ErrorCode::kInvalidModel && error.code != ErrorCode::kUnsupportedModel &&
      error.code != ErrorCode::kLimitExceeded) {
    broken("a model file's fault is called {}: {}", error_code_name(error.code), error.message);
  }
  if (!error.message.contains(kName)) broken("a message doesn't name the file: {}", error.message);
  require_one_line(error.message);
}

bool is_small(const graph::Graph& graph) {
  double values = 0;
  double steps = 0;
  for (const graph::Tensor& tensor : graph.tensors) values += static_cast<double>(graph::count(tensor.dims));
  for (const graph::Node& node : graph.nodes) {
    const auto results = static_cast<double>(graph::count(graph.tensors[node.output].dims));
    steps += results * static_cast<double>(node.window.kernel_height) * static_cast<double>(node.window.kernel_width);
    if (node.op == graph::Op::kTransposeConvolution || node.op == graph::Op::kConvolution) {
      steps += results / static_cast<double>(graph.tensors[node.inputs[1]].dims[0]) *
               static_cast<double>(graph::count(graph.tensors[node.inputs[1]].dims));
    }
  }
  return values <= kMostValues && steps + static_cast<double>(graph::multiply_adds(graph)) <= kMostSteps;
}

/// Engines give planes, whatever the network's own order.
std::vector<float> as_planes(std::vector<float> values, const NetworkShape& shape) {
  if (!shape.output_nhwc) return values;
  std::vector<float> planes(values.size());
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t pixels = values.size() / channels;
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t c = 0; c < channels; ++c) planes[c * pixels + p] = values[p * channels + c];
  }
  return planes;
}

}  // namespace

std::optional<Loaded> load(std::span<const std::byte> file, Soundness soundness) {
  auto model = formats::read_model(file, kName);
  if (!model) require_reason(model.error());
  if (model && !model->graph) require_reason(model->graph.error());
  if (!model || !model->graph) {
    if (soundness == Soundness::kSound)
      broken("a sound network is refused: {}", model ? model->graph.error().message : model.error().message);
    return std::nullopt;
  }
  if (auto ok = graph::verify(*model->graph); !ok) broken("the network is inconsistent: {}", ok.error().message);
  if (!model->contract) {
    require_reason(model->contract.error());
    return std::nullopt;
  }
  if (auto ok = formats::check_contract(*model->graph, model->contract->shape, kName); !ok)
    broken("the network isn't what is declared: {}", ok.error().message);
  require_one_line(model->operators.empty() ? std::string_view{} : model->operators.front());
  if (!is_small(*model->graph)) return std::nullopt;
  return Loaded{.graph = std::move(*model->graph),
                .shape = model->contract->shape,
                .other_engines = std::move(model->other_engines)};
}

std::vector<float> input_for(const NetworkShape& shape) {
  std::vector<float> input(std::size_t{3} * static_cast<std::size_t>(shape.input_height) *
                           static_cast<std::size_t>(shape.input_width));
  std::uint32_t state = 1;
  for (float& value : input) {
    state = state * 1'664'525 + 1'013'904'223;
    value = static_cast<float>(static_cast<std::int32_t>(state) >> 8) * 0x1p-23F;
  }
  return input;
}

Expected interpret(const Loaded& network, std::span<const float> input) {
  const graph::Graph& graph = network.graph;
  std::vector<std::vector<float>> values(graph.tensors.size());
  values[graph.input].assign(input.begin(), input.end());
  const auto of = [&](graph::TensorId id) {
    const graph::Tensor& tensor = graph.tensors[id];
    return tensor.is_constant() ? tensor.constant.values : std::span<const float>(values[id]);
  };
  double largest = 1;
  for (const graph::Node& node : graph.nodes) {
    std::vector<std::span<const float>> operands;
    for (const graph::TensorId id : node.inputs) operands.push_back(of(id));
    values[node.output] = graph::evaluate_node(graph, node, operands);
    for (const float value : values[node.output]) largest = std::fmax(largest, std::abs(static_cast<double>(value)));
  }
  const auto output = of(graph.output);
  return {.values = as_planes({output.begin(), output.end()}, network.shape),
          .tolerance = kStepError * largest * static_cast<double>(graph.nodes.size() + 1)};
}

std::vector<float> run_native(const Loaded& network, std::span<const float> input, const NativeOptions& options,
                              ThreadPool& pool) {
  const auto engine = create_native_engine(network.graph, network.shape, pool, options, kName);
  if (!engine) broken("a small network isn't loaded: {}", engine.error().message);
  const auto result = (*engine)->run(input, Tail::kWhole, {});
  if (!result) broken("a small network isn't run: {}", result.error().message);
  const auto values = result->values.span();
  return {values.begin(), values.end()};
}

void require_same(std::span<const float> a, std::span<const float> b, std::string_view what) {
  if (a.size() != b.size()) broken("{}: {} values and {}", what, a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (std::memcmp(&a[i], &b[i], sizeof a[i]) != 0) broken("{}: value {} is {} and {}", what, i, a[i], b[i]);
  }
}

void require_near(std::span<const float> values, std::span<const float> expected, double tolerance,
                  std::string_view what) {
  if (values.size() != expected.size()) broken("{}: {} values instead of {}", what, values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(expected[i])) continue;
    const double error = std::abs(static_cast<double>(values[i]) - static_cast<double>(expected[i]));
    if (!(error <= tolerance)) {
      broken("{}: value {} is {} instead of {}, off by more than {}", what, i, values[i], expected[i], tolerance);
    }
  }
}

ThreadPool& one_thread() {
  static ThreadPool pool(1);
  return pool;
}

ThreadPool& three_threads() {
  static ThreadPool pool(3);
  return pool;
}

}  // namespace silhouette::fuzz
