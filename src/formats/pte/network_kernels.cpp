#include "formats/pte/network_kernels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace silhouette::pte {
namespace {

using Dims = NetworkBuilder::Dims;
using graph::TensorId;

enum class Move : std::uint8_t {
  kCopy,     // same logical array, perhaps another order in memory
  kReshape,  // same values in logical order
  kView,     // same values in memory order
  kExpand,   // repeated along dimensions of 1
  kPermute,  // argument 1: order
};

struct Entry {
  std::string_view name;
  Move move;
};

constexpr std::array kEntries{
    Entry{"aten::_to_copy.out", Move::kCopy},
    Entry{"aten::clone.out", Move::kCopy},
    Entry{"aten::expand_copy.out", Move::kExpand},
    Entry{"aten::permute_copy.out", Move::kPermute},
    Entry{"aten::squeeze_copy.dims_out", Move::kReshape},
    Entry{"aten::unsqueeze_copy.out", Move::kReshape},
    Entry{"aten::view_copy.out", Move::kReshape},
    Entry{"dim_order_ops::_clone_dim_order.out", Move::kCopy},
    Entry{"dim_order_ops::_to_dim_order_copy.out", Move::kCopy},
    Entry{"executorch_prim::et_view.default", Move::kView},
};

const Entry* find(const Call& call) {
  const auto* const found = std::ranges::find(kEntries, std::string_view(call.operator_name), &Entry::name);
  return found == kEntries.end() ? nullptr : found;
}

/// Dimension i of the result of transposing a tensor in memory order to logical order.
Dims order_to_logical(const TensorInfo& tensor) {
  Dims order(tensor.dim_order.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[tensor.dim_order[i]] = static_cast<std::int64_t>(i);
  return order;
}

/// And back.
Dims order_to_memory(const TensorInfo& tensor) {
  return {tensor.dim_order.begin(), tensor.dim_order.end()};
}

}  // namespace

Dims memory_dims(const TensorInfo& tensor) {
  Dims dims;
  for (const std::uint8_t dim : tensor.dim_order) dims.push_back(tensor.sizes[dim]);
  return dims;
}

Outcome<Movement> read_movement(const Plan& plan, const Call& call, const Messages& messages) {
  if (find(call) == nullptr) return messages.unsupported("the native engine knows this operator in delegates only");
  // Operand first; the result is the last argument but for the returned value, which primitives don't have.
  const bool primitive = call.operator_name.starts_with("executorch_prim::");
  Movement movement{.from_value = call.args.front(), .to_value = call.args[call.args.size() - (primitive ? 1 : 2)]};
  movement.from = &plan.values[movement.from_value].tensor;
  movement.to = &plan.values[movement.to_value].tensor;
  for (const Tensor* const tensor : {movement.from, movement.to}) {
    const bool known = tensor == movement.from && tensor->storage == Storage::kConstant;
    if (tensor->info.type != ScalarType::kFloat && !known)
      return messages.unsupported(
          fmt::format("it moves {}, and the native engine computes in fp32", describe(tensor->info)));
  }
  return movement;
}

Outcome<TensorId> add_movement(NetworkBuilder& builder, const Plan& plan, const Call& call, const Movement& movement,
                               TensorId from) {
  const TensorInfo& source = movement.from->info;
  const TensorInfo& target = movement.to->info;
  const Move move = find(call)->move;
  if (move == Move::kView) return builder.reshape(from, memory_dims(target));
  auto id = builder.transpose(from, order_to_logical(source));
  if (!id) return id;
  switch (move) {
    case Move::kReshape: id = builder.reshape(*id, target.sizes); break;
    case Move::kExpand:
      if (source.sizes != target.sizes)
        id = builder.add_node({.op = graph::Op::kExpand, .inputs = {*id}}, target.sizes);
      break;
    case Move::kPermute: {
      Dims order = plan.values[call.args[1]].integers;
      for (std::int64_t& dim : order) dim += dim < 0 ? static_cast<std::int64_t>(order.size()) : 0;
      id = builder.transpose(*id, order);
      break;
    }
    case Move::kCopy:
    case Move::kView: break;
  }
  if (!id) return id;
  return builder.transpose(*id, order_to_memory(target));
}

}  // namespace silhouette::pte
