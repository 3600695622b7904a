#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "graph/graph.hpp"
#include "kernels/kernels.hpp"

namespace silhouette::native {

struct PlanOptions {
  const kernels::Kernels* kernels = nullptr;
  int threads = 1;          ///< that runs are cut for; results don't depend on it
  bool low_memory = false;  ///< no weights that are larger than the file's
};

/// How a tensor's values can lie in memory.
enum class Layout : std::uint8_t {
  kDense,    ///< in the order of its dimensions
  kPlanar,   ///< of an image N, H, W, C: C, H, W
  kBlocked,  ///< of an image: [C / block][H × W][block]
};

/// An image's dimensions.
struct ImageShape {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;

  [[nodiscard]] std::int64_t pixels() const noexcept { return height * width; }
  bool operator==(const ImageShape&) const = default;
};

/// What there is to know of a network before any of it is planned: what choices are made from.
class Network {
 public:
  /// `planar_output`: whether the output is wanted as planes though the graph's is N, H, W, C.
  Network(const graph::Graph& graph, bool planar_output, const PlanOptions& options);

  [[nodiscard]] const graph::Graph& graph() const noexcept { return *graph_; }
  [[nodiscard]] bool planar_output() const noexcept { return planar_output_; }
  [[nodiscard]] const PlanOptions& options() const noexcept { return options_; }
  [[nodiscard]] const kernels::Kernels& kernels() const noexcept { return *options_.kernels; }
  [[nodiscard]] std::size_t block() const noexcept { return options_.kernels->block; }
  [[nodiscard]] std::size_t blocks(std::int64_t channels) const noexcept {
    return (static_cast<std::size_t>(channels) + block() - 1) / block();
  }

  [[nodiscard]] const graph::Tensor& tensor(graph::TensorId id) const { return graph_->tensors[id]; }
  /// The dimensions of a tensor that is an image: four, the first of them 1.
  [[nodiscard]] std::optional<ImageShape> image(graph::TensorId id) const;

  /// The node that makes a tensor; null for the input and constants.
  [[nodiscard]] const graph::Node* maker(graph::TensorId id) const { return uses_[id].maker; }
  /// How often a tensor is read by nodes.
  [[nodiscard]] int reads(graph::TensorId id) const { return uses_[id].reads; }
  /// The node that reads a tensor, if it is the only one, reads it once, and the tensor isn't the network's result.
  [[nodiscard]] const graph::Node* only_reader(graph::TensorId id) const {
    return uses_[id].reads == 1 && id != graph_->output ? uses_[id].reader : nullptr;
  }

  /// Whether a convolution's or layer's weights, and its bias if it has one, are constants.
  [[nodiscard]] bool has_constant_weights(const graph::Node& node) const {
    return tensor(node.inputs[1]).is_constant() && (node.inputs.size() < 3 || tensor(node.inputs[2]).is_constant());
  }
  /// Its bias, empty if it has none.
  [[nodiscard]] std::span<const float> bias(const graph::Node& node) const {
    return node.inputs.size() < 3 ? std::span<const float>() : tensor(node.inputs[2]).constant.values;
  }

  /// Rows or the like that tasks are cut into: enough of them for all threads, none smaller than some microseconds of
  /// work.
  [[nodiscard]] std::size_t task_count(std::size_t items, std::int64_t multiply_adds) const noexcept;
  /// The same of what can be cut as finely as one likes.
  [[nodiscard]] std::size_t task_count(std::int64_t multiply_adds) const noexcept;

 private:
  /// Who makes a tensor, and who reads it.
  struct Use {
    const graph::Node* maker = nullptr;
    const graph::Node* reader = nullptr;  ///< the last of them
    int reads = 0;
  };

  const graph::Graph* graph_;
  bool planar_output_;
  PlanOptions options_;
  std::vector<Use> uses_;  ///< by tensor
};

/// A distance in memory, floats. No larger than the images and weights whose sizes `check_sizes` has found to fit.
constexpr std::ptrdiff_t distance(std::int64_t floats) noexcept {
  return static_cast<std::ptrdiff_t>(floats);
}

kernels::Epilogue epilogue(const graph::Activation& activation) noexcept;
bool has_no_padding(const graph::Window& window) noexcept;

}  // namespace silhouette::native
