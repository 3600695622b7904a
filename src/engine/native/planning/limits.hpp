#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "graph/graph.hpp"
#include "silhouette/error.hpp"

namespace silhouette::native {

/// Of activations or of weights: 8 GB, or 1 GB where addresses have 32 bits.
inline constexpr std::uint64_t kMostFloats = std::uint64_t{1} << (sizeof(std::size_t) > 4 ? 31 : 28);

/// Whether a graph's images and weights are such that a plan can be made of it before it is known how much memory that
/// wants: with `block` channels at a time, no size or distance in memory that follows from one of them is lost in 32
/// bits. kLimitExceeded, naming the network by `name`.
Result<void> check_sizes(const graph::Graph& graph, std::size_t block, std::string_view name);

}  // namespace silhouette::native
