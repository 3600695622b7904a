#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "silhouette/error.hpp"

namespace silhouette::cli {

/// Writes a height × width array, row by row, as a NumPy file (format version 1.0 of NumPy's NEP 1). `values` has
/// height × width elements.
Result<void> write_npy(const std::filesystem::path& path, std::span<const std::int32_t> values, int height, int width);
Result<void> write_npy(const std::filesystem::path& path, std::span<const float> values, int height, int width);

}  // namespace silhouette::cli
