#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/pte/test_models.hpp"
#include "fuzz/input.hpp"

namespace silhouette::fuzz {

/// What a made network may contain.
enum class Manner : std::uint8_t {
  kTame,  ///< operands are kept where small errors stay small, so that results can be compared
  kWild,  ///< logarithms of what is negative, quotients of zeros
};

/// Where a file has its constants.
enum class Place : std::uint8_t { kPayload, kNamedData };

/// A network of a few steps from [1, 3, 16, 16] to [1, 4, 16, 16], as an XNNPACK payload's graph. Every result's shape
/// is computed here, by the operators' definitions: verification has to come to the same.
pte::test::GraphBuilder make_network(Input& in, Manner manner);

/// Writes numbers that don't fit into values, nodes and constants.
void spoil(pte::test::GraphBuilder& builder, Input& in);

/// A `.pte` around it.
std::vector<std::byte> as_file(pte::test::GraphBuilder builder, Place constants);

}  // namespace silhouette::fuzz
