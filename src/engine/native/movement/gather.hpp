#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/native/planning/builder.hpp"

namespace silhouette::native {

/// Dimensions that arrays of a gather have at most.
inline constexpr std::size_t kMostLoops = 8;

/// One dimension of values that are copied; strides in floats.
struct Loop {
  std::int64_t count = 1;
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// Values that are copied from one place to another.
struct Box {
  View from;
  View to;
  std::vector<Loop> loops;  ///< in any order
};

/// Where an image's values are, from some pixel and channel on.
struct Place {
  View view;
  bool is_blocked = false;
  std::int64_t y = 0;  ///< strides in floats
  std::int64_t x = 0;
  std::int64_t channel = 0;  ///< or from one block of channels to the next
  std::int64_t first_channel = 0;

  [[nodiscard]] Place moved(std::int64_t down, std::int64_t right, std::int64_t channels) const noexcept {
    Place place = *this;
    place.view.offset += static_cast<std::size_t>(down * y + right * x);
    place.first_channel += channels;
    return place;
  }
};

Place place(const Network& network, View view, Layout layout, const ImageShape& shape);
/// The same value everywhere.
Place constant_place(Builder& builder, float value);
/// An image of `shape`, where it is first found or brought, seen as one of `whole`: its dimensions of 1 are repeated.
Place repeated(Place place, const ImageShape& shape, const ImageShape& whole);

/// Boxes that copy an image's part.
void add_region(const Network& network, const Place& from, const Place& to, const ImageShape& region,
                std::vector<Box>& boxes);
/// Boxes that write zeros into the last block's lanes that are no channels.
void add_unused_lanes(Builder& builder, const Place& to, const ImageShape& shape, std::vector<Box>& boxes);
/// A box that fills the dense result's room up, so that it may be taken for one pixel's blocks later.
void add_rest(Builder& builder, View to, std::int64_t count, std::vector<Box>& boxes);

/// Adds the step that copies all boxes, which mustn't overlap.
void add_gather(Builder& builder, std::string name, const std::vector<Box>& boxes);

/// The layout in which operands are best read, and a result like them is made: in blocks if any is there, else in the
/// planes or the order that all are in.
Layout common_layout(const Network& network, const Places& places, std::span<const graph::TensorId> ids);

/// Dimensions with ones before them, as an image's, if they are one's.
std::optional<ImageShape> as_image(std::span<const std::int64_t> dims);
/// The layout in which an array's values lie one by one, with a stride for each dimension: that one, or another that is
/// there already.
Layout strided_layout(const Network& network, const Places& places, graph::TensorId id, Layout layout);
/// The strides there.
std::vector<std::int64_t> strides(const Network& network, graph::TensorId id, Layout layout);
struct Strided {
  View view;
  std::vector<std::int64_t> strides;
};
Strided strided(Builder& builder, graph::TensorId id, Layout layout);
/// Strides of a dense array.
std::vector<std::int64_t> dense_strides(std::span<const std::int64_t> dims);

}  // namespace silhouette::native
