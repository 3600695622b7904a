#pragma once

#include <string_view>

#include "formats/model.hpp"
#include "formats/pte/program.hpp"

namespace silhouette::pte {

/// ExecuTorch's programs.
extern const formats::Format kFormat;

/// What the constant methods of a program mean: `get_labels`, a line a class, and `get_mean` and `get_std`, which
/// belong together.
formats::Metadata read_metadata(const Program& program, std::string_view name);

}  // namespace silhouette::pte
