#pragma once

#include "formats/common/network_builder.hpp"
#include "formats/pte/messages.hpp"
#include "formats/pte/plan.hpp"

namespace silhouette::pte {

using formats::NetworkBuilder;

/// A verified kernel call that only moves data.
struct Movement {
  const Tensor* from = nullptr;
  const Tensor* to = nullptr;
  std::size_t from_value = 0;  ///< index into `Plan.values`
  std::size_t to_value = 0;
};

/// What a kernel call moves; kUnsupportedModel if it does anything else. `messages` name the call.
Outcome<Movement> read_movement(const Plan& plan, const Call& call, const Messages& messages);

/// Appends the movement of `from`, which has the dimensions of the source in memory order; the result has those of
/// the target likewise.
Outcome<graph::TensorId> add_movement(NetworkBuilder& builder, const Plan& plan, const Call& call,
                                      const Movement& movement, graph::TensorId from);

/// A tensor's sizes in memory order.
NetworkBuilder::Dims memory_dims(const TensorInfo& tensor);

}  // namespace silhouette::pte
