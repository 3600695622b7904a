#pragma once

#include "formats/common/messages.hpp"

namespace silhouette::pte {

using formats::Fault;
using formats::forward_error;
using formats::Messages;
using formats::Outcome;
using formats::printable;
using formats::Status;

/// What messages about `.pte` files say.
inline constexpr formats::Terms kTerms{.file = "ExecuTorch program",
                                       .ending = ".pte",
                                       .remedy = "export it for XNNPACK as fp32 or static int8 with fixed shapes"};

/// Those of a file.
inline Messages messages_of(std::string_view file) {
  return {file, kTerms};
}

}  // namespace silhouette::pte
