#pragma once

#include <string>

namespace silhouette::cli {

/// A variable of the environment; empty if it isn't set.
std::string environment(const char* name);

/// Whether a descriptor is a terminal that understands escape sequences.
bool is_capable_terminal(int descriptor);

}  // namespace silhouette::cli
