#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/native/planning/builder.hpp"
#include "engine/native/products/product.hpp"

namespace silhouette::native {

/// A grouped convolution's channels and columns, of each group.
struct GroupShape {
  std::size_t groups = 1;
  std::size_t channels = 0;
  std::size_t columns = 0;
  std::size_t taps = 0;
  std::size_t block = 0;
};

/// How many products that takes, at most.
std::size_t most_group_parts(const GroupShape& shape) noexcept;

/// The products of a grouped convolution with constant weights [columns of all groups, taps, channels of a group], as
/// one step. `whole` has everything but weights, bias and panels, as if there were one group.
std::unique_ptr<Step> make_group_products(Builder& builder, const graph::Node& node, const GroupShape& shape,
                                          const Product::Geometry& whole, const std::vector<Segment>& segments,
                                          const std::vector<std::vector<Tap>>& tables);

/// The image of which each channel is repeated `times` times, one after the other.
View add_repeated_channels(Builder& builder, View from, const ImageShape& shape, std::int64_t times);

}  // namespace silhouette::native
