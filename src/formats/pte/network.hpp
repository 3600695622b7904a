#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "formats/pte/messages.hpp"
#include "formats/pte/verified.hpp"
#include "graph/graph.hpp"

namespace silhouette::pte {

/// The network of a program's method `forward`: delegates and the data movement between them joined into one graph,
/// which graph::verify accepts. Its input and the chosen `output` are as the caller feeds and gets them: dimensions in
/// memory order, [1, 3, H, W] for NCHW files; other outputs are left out. Constants are borrowed from the file; `owner`
/// holds its bytes, null if the caller does. `name` stands for the file in messages. kUnsupportedModel says which
/// operator the native engine hasn't; kLimitExceeded. May throw std::bad_alloc.
Outcome<graph::Graph> network_of(const VerifiedProgram& program, std::string_view name, std::size_t output,
                                 std::shared_ptr<const void> owner);

}  // namespace silhouette::pte
