#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "graph/graph.hpp"
#include "silhouette/error.hpp"

namespace silhouette::pte {

/// The network of the method `forward` of a `.pte`: verified as parse_program does, delegates and the data movement
/// between them joined into one graph, which graph::verify accepts. Its input and the chosen `output` are as the caller
/// feeds and gets them: dimensions in memory order, [1, 3, H, W] for NCHW files; other outputs are left out. Constants
/// are borrowed from `file`, which must outlive the graph (but for a file at an address that isn't a multiple of 16, of
/// which the graph keeps a copy). `name` stands for the file in messages. kUnsupportedModel says which operator the
/// native engine hasn't; else as parse_program. Pure; reads nothing beyond `file`.
Result<graph::Graph> read_network(std::span<const std::byte> file, std::string_view name, std::size_t output = 0);

}  // namespace silhouette::pte
