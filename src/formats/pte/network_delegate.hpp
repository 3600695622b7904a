#pragma once

#include <span>
#include <vector>

#include "formats/common/network_builder.hpp"
#include "formats/pte/messages.hpp"
#include "formats/pte/xnnpack.hpp"

namespace silhouette::pte {

using formats::NetworkBuilder;

/// Appends what a delegate computes. `arguments` has the values of the call's inputs, by the delegate's external
/// numbers (those of outputs are ignored); the result has those of its outputs likewise. kUnsupportedModel for what
/// Graph has no operation for. `messages` name the call.
Outcome<std::vector<graph::TensorId>> add_delegate(NetworkBuilder& builder, const xnnpack::Graph& delegate,
                                                   std::span<const graph::TensorId> arguments,
                                                   const Messages& messages);

}  // namespace silhouette::pte
