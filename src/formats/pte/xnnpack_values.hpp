#pragma once

#include <cstdint>

#include "formats/pte/xnnpack.hpp"

namespace fb_xnnpack {
struct XNNGraph;
struct XValue;
}  // namespace fb_xnnpack

namespace silhouette::pte::xnnpack {

/// Where the constants of one payload are.
struct ConstantSource {
  const fb_xnnpack::XNNGraph* graph = nullptr;
  bool has_header = false;  ///< with "XH00" header: by offset or key; otherwise inline
  Bytes region;             ///< what offsets are relative to
  const NamedData* named = nullptr;
};

struct DecodedValue {
  std::uint32_t id = 0;  ///< what nodes call it
  Value value;
};

/// Decodes and verifies one value; for a constant also that its data is whole.
Outcome<DecodedValue> read_value(const fb_xnnpack::XValue& table, const ConstantSource& constants,
                                 const Messages& messages);

}  // namespace silhouette::pte::xnnpack
