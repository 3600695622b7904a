#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/aligned_buffer.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Checks that a PBM, PGM or PPM file has as many samples as its header tells, before anybody makes room for them: of
/// fifteen bytes its decoder would make an image of a hundred million pixels. A plain PBM (P1), whose digits may stand
/// without blanks between them, which the decoder doesn't know, comes back as a PGM; otherwise the result is empty.
/// kInvalidImage, kLimitExceeded; `name` stands for the file.
Result<AlignedBuffer<std::byte>> prepare_netpbm(std::span<const std::byte> bytes, std::string_view name);

}  // namespace silhouette
