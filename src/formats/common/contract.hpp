#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "formats/common/tensor_info.hpp"
#include "graph/graph.hpp"
#include "graph/network_shape.hpp"
#include "silhouette/error.hpp"

namespace silhouette::formats {

/// What an image segmentation network takes and gives.
struct Contract {
  NetworkShape shape;
  std::string output;        ///< its sizes as the file has them, for messages: "[1, 21, 513, 513]"
  std::int64_t numbers = 0;  ///< of an output of numbers of classes: how many there are; 0: not known
};

/// Reads a segmentation network's contract from what its file declares: one float image 1 × 3 × height × width, each in
/// either dim order, or the same without the first dimension; and a map of these kinds:
///   1 × classes × height × width floats, or without the first dimension as the image has none;
///   1 × height × width × classes floats, if the first reading doesn't have the image's aspect and this has;
///   1 × 1 × height × width or 1 × height × width int32 or int64: numbers of classes.
/// Of several outputs that are maps it is the one with `labels` classes (0: not known), or the largest, or the first.
/// kUnsupportedModel says what is different; `name` stands for the model.
Result<Contract> read_contract(std::span<const TensorInfo> inputs, std::span<const TensorInfo> outputs,
                               std::string_view name, std::size_t labels = 0);

/// Whether a network takes and makes what its file declares: engines allocate by the one and write by the other.
/// kInvalidModel.
Result<void> check_contract(const graph::Graph& graph, const NetworkShape& shape, std::string_view name);

}  // namespace silhouette::formats
