#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "silhouette/error.hpp"
#include "silhouette/segmentation.hpp"

namespace silhouette::cli {

inline constexpr const char* kBackgroundHelp =
    "What is put behind cut-outs: a colour (white, #ff8800), blur, blur:SHARE of the longer side (0.03), or an image's "
    "file "
    "or URL [transparent]";

/// What --background says. kInvalidArgument for a colour or blur that isn't one, kFileNotFound for a file that isn't
/// there.
Result<Background> parse_background(const std::string& text);

/// The file among the things that it can name.
std::optional<std::string> background_file(const std::string& text);

}  // namespace silhouette::cli
