#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string_view>

#include "silhouette/error.hpp"

namespace silhouette {

/// What is known of an image before its loader sees it.
struct Facts {
  int page = 0;                ///< of a TIFF file
  int bands = 0;               ///< to keep of what the loader gives; 0: all
  bool premultiplied = false;  ///< colours have been multiplied with alpha
  bool ycbcr = false;          ///< the loader gives that instead of RGB
};

/// kUnsupportedImage for a kind of TIFF that isn't read. `name` stands for the file.
Result<Facts> tiff_facts(std::span<const std::byte> bytes, std::string_view name);

/// The error of what isn't read, and what is instead: "'x' is WHAT; give JPEG, PNG …".
std::unexpected<Error> unsupported_image(std::string_view name, std::string_view what);

}  // namespace silhouette
