#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/native/planning/network.hpp"
#include "engine/native/planning/places.hpp"
#include "engine/native/planning/plan.hpp"

namespace silhouette::native {

/// A plan and what makes its packed weights. The packings refer to the graph that the plan was made of.
struct Build {
  Plan plan;
  std::vector<Packing> packings;
  std::vector<std::string_view> methods;  ///< by node: the way that was chosen for it
};

/// A way to run a graph that graph::verify accepted. `planar_output`: whether the output is wanted as planes though the
/// graph's is N, H, W, C.
Build build_plan(const graph::Graph& graph, bool planar_output, const PlanOptions& options);

/// Makes a plan: node by node, a way is chosen (choice.hpp), then its steps are emitted, by what the families add here.
class Builder : public Network {
 public:
  Builder(const graph::Graph& graph, bool planar_output, const PlanOptions& options);

  [[nodiscard]] const Places& places() const noexcept { return places_; }

  View add_buffer(std::size_t floats);
  /// Packed constants of so many floats, aligned.
  View add_weights(std::size_t floats, std::size_t parts, std::function<bool(float*, std::size_t)> pack);
  /// One value a channel, filled up with zeros to whole blocks. Empty: all zeros.
  View add_channel_values(std::span<const float> values, std::size_t count);
  View zeros(std::size_t floats);

  void add_step(std::unique_ptr<Step> step);

  /// Where a tensor's values are in that layout; steps that bring them there are added when they are first asked for.
  View view(graph::TensorId id, Layout layout);
  /// Room for a node's result in that layout.
  View result(graph::TensorId id, Layout layout);
  /// Declares that the values are at `view` in that layout.
  void define(graph::TensorId id, Layout layout, View view);

  Build finish();

 private:
  void reserve_parts();
  void add_output(const graph::Node* resize);
  void add_pending_tail(const graph::Node& resize);
  View convert(graph::TensorId id, Layout layout);
  [[nodiscard]] std::size_t blocked_floats(const ImageShape& shape) const;

  Build build_;
  Places places_;
  std::uint32_t node_ = 0;
  std::optional<Tail> tail_;  ///< that steps being added belong to
};

/// Adds what applies a node's activation to its result, if it has one: for results that are only moved there.
void add_activation(Builder& builder, const graph::Node& node, Layout layout, View values);

/// Adds the step that brings an image from one layout to another. `fills_up`: with zeros to a whole number of blocks,
/// so that all of it may be taken for one pixel's values later.
void add_conversion(Builder& builder, const ImageShape& shape, View from, Layout from_layout, View to, Layout to_layout,
                    bool fills_up = false);

}  // namespace silhouette::native
