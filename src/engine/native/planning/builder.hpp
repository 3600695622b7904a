#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/native/planning/plan.hpp"
#include "graph/graph.hpp"
#include "kernels/kernels.hpp"
#include "silhouette/error.hpp"

namespace silhouette::native {

struct PlanOptions {
  const kernels::Kernels* kernels = nullptr;
  int threads = 1;          ///< that runs are cut for; results don't depend on it
  bool low_memory = false;  ///< no weights that are larger than the file's
};

/// A plan and what makes its packed weights. The packings refer to the graph that the plan was made of.
struct Build {
  Plan plan;
  std::vector<Packing> packings;
};

/// A way to run a graph that graph::verify accepted. `planar_output`: whether the output is wanted as planes though the
/// graph's is N, H, W, C.
Build build_plan(const graph::Graph& graph, bool planar_output, const PlanOptions& options);

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

/// What the parts of the builder, one for each kind of operation, work with.
class Builder {
 public:
  Builder(const graph::Graph& graph, const PlanOptions& options);

  const graph::Graph& graph() const noexcept { return *graph_; }
  const kernels::Kernels& kernels() const noexcept { return *options_.kernels; }
  const PlanOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t block() const noexcept { return options_.kernels->block; }
  [[nodiscard]] std::size_t blocks(std::int64_t channels) const noexcept {
    return (static_cast<std::size_t>(channels) + block() - 1) / block();
  }

  [[nodiscard]] const graph::Tensor& tensor(graph::TensorId id) const { return graph_->tensors[id]; }
  /// The dimensions of a tensor that is an image: four, the first of them 1.
  [[nodiscard]] std::optional<ImageShape> image(graph::TensorId id) const;

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

  View add_buffer(std::size_t floats);
  /// Packed constants of so many floats, aligned.
  View add_weights(std::size_t floats, std::size_t parts, std::function<bool(float*, std::size_t)> pack);
  /// One value a channel, filled up with zeros to whole blocks. Empty: all zeros.
  View add_channel_values(std::span<const float> values, std::size_t count);
  View zeros(std::size_t floats);

  void add_step(std::unique_ptr<Step> step);

  /// Where a tensor's values are in that layout; steps that bring them there are added when they are first asked for.
  View view(graph::TensorId id, Layout layout);
  /// The same if they are there already.
  [[nodiscard]] std::optional<View> existing(graph::TensorId id, Layout layout) const;
  /// Room for a node's result in that layout.
  View result(graph::TensorId id, Layout layout);
  /// Declares that the values are at `view` in that layout.
  void define(graph::TensorId id, Layout layout, View view);

  /// Rows or the like that tasks are cut into: enough of them for all threads, none smaller than `smallest`
  /// multiply-adds.
  [[nodiscard]] std::size_t task_count(std::size_t items, std::int64_t multiply_adds) const noexcept;

  Build finish(bool planar_output);

 private:
  /// Who makes a tensor, and who reads it.
  struct Use {
    const graph::Node* maker = nullptr;
    const graph::Node* reader = nullptr;  ///< the last of them
    int reads = 0;
  };

  void place_concatenations();
  /// The tensor that the network's last step resizes, if it ends in a resize of an image (and its change to planes).
  [[nodiscard]] const graph::Node* last_resize(bool planar_output) const;
  void add_pending_tail(const graph::Node& resize);
  void add_node(std::uint32_t index);
  View convert(graph::TensorId id, Layout layout);

  const graph::Graph* graph_;
  PlanOptions options_;
  Build build_;
  std::vector<std::array<std::optional<View>, 3>> views_;
  std::vector<std::optional<View>> placed_;  ///< blocked results that belong into a concatenation's
  std::vector<Use> uses_;                    ///< by tensor
  std::uint32_t node_ = 0;
  std::optional<Tail> tail_;  ///< that steps being added belong to
};

kernels::Epilogue epilogue(const graph::Activation& activation) noexcept;
bool has_no_padding(const graph::Window& window) noexcept;

// Each adds a node's steps if it knows a fast way, and says whether it did.
bool add_convolution(Builder& builder, const graph::Node& node);
bool add_transpose_convolution(Builder& builder, const graph::Node& node);
bool add_fully_connected(Builder& builder, const graph::Node& node);
bool add_winograd(Builder& builder, const graph::Node& node);
bool add_strassen(Builder& builder, const graph::Node& node);
bool add_depthwise(Builder& builder, const graph::Node& node);
bool add_pool(Builder& builder, const graph::Node& node);
bool add_global_average(Builder& builder, const graph::Node& node);
bool add_binary(Builder& builder, const graph::Node& node);
bool add_unary(Builder& builder, const graph::Node& node);
/// Adds what applies a node's activation to its result, if it has one: for results that are only moved there.
void add_activation(Builder& builder, const graph::Node& node, Layout layout, View values);
bool add_softmax(Builder& builder, const graph::Node& node);
/// `planar`: the result as planes, at no extra cost.
bool add_resize(Builder& builder, const graph::Node& node, bool planar = false);
bool add_concatenation(Builder& builder, const graph::Node& node);
bool add_movement(Builder& builder, const graph::Node& node);
/// By the plain interpreter: always possible.
void add_plain(Builder& builder, const graph::Node& node);

/// Adds the step that brings an image from one layout to another. `fills_up`: with zeros to a whole number of blocks,
/// so that all of it may be taken for one pixel's values later.
void add_conversion(Builder& builder, const ImageShape& shape, View from, Layout from_layout, View to, Layout to_layout,
                    bool fills_up = false);

}  // namespace silhouette::native
