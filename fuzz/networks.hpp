#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "fuzz/input.hpp"

namespace silhouette::fuzz {

/// What a made network may contain.
enum class Manner : std::uint8_t {
  kTame,  ///< operands are kept where small errors stay small, so that results can be compared
  kWild,  ///< logarithms of what is negative, quotients of zeros
};

/// Where a file has its constants.
enum class Place : std::uint8_t {
  kPayload,
  kNamedData,
  kMixed,  ///< one by one in turns: the first in the payload
  kGraph,  ///< in the graph's own table, which is all of the payload
};

struct ModelKind {
  Manner manner = Manner::kTame;
  Place constants = Place::kPayload;
  bool spoilt = false;  ///< numbers that don't fit are written into values, nodes and constants
};

/// A `.pte` with a network of a few steps from [1, 3, 16, 16] to [1, 4, 16, 16] in an XNNPACK payload. Every result's
/// shape is computed here, by the operators' definitions: verification has to come to the same.
std::vector<std::byte> make_model(Input& in, const ModelKind& kind);

}  // namespace silhouette::fuzz
