#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/aligned_buffer.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Checks that a PBM, PGM or PPM file has as many samples as its header tells, before anybody makes room for them: of
/// fifteen bytes its decoder would make an image of a hundred million pixels. Plain files (P1 to P3), which decoders
/// read slowly and not always right, come back as binary ones of eight bits a sample; otherwise the result is empty.
/// kInvalidImage, kLimitExceeded; `name` stands for the file.
Result<AlignedBuffer<std::byte>> prepare_netpbm(std::span<const std::byte> bytes, std::string_view name);

}  // namespace silhouette
