#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "formats/pte/network.hpp"
#include "formats/pte/verified.hpp"

namespace silhouette::pte::test {

/// What a file holds, verified whole, without anybody who asks for a Model.
inline Result<Program> parse_program(std::span<const std::byte> file, std::string_view name) {
  const auto aligned = AlignedFile::of(file);
  if (!aligned) return std::unexpected(aligned.error());
  auto verified = verify_program(aligned->bytes, name);
  if (!verified) return std::unexpected(std::move(verified).error());
  return std::move(verified->program);
}

/// Its network, whether or not it is a segmentation's.
inline Result<graph::Graph> read_network(std::span<const std::byte> file, std::string_view name,
                                         std::size_t output = 0) {
  auto aligned = AlignedFile::of(file);
  if (!aligned) return std::unexpected(aligned.error());
  const auto verified = verify_program(aligned->bytes, name);
  if (!verified) return std::unexpected(verified.error());
  return network_of(*verified, name, output, std::move(aligned->copy));
}

}  // namespace silhouette::pte::test
