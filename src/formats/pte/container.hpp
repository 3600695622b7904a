#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "formats/pte/messages.hpp"

namespace executorch_flatbuffer {
struct Program;
}

namespace silhouette::pte {

using Bytes = std::span<const std::byte>;

/// Named blobs of a program: constants that delegates look up by key.
using NamedData = std::map<std::string_view, Bytes, std::less<>>;

/// The outer layer of a `.pte`, verified: the program's FlatBuffer and the data that it refers to. Borrows the file's
/// bytes.
struct Container {
  const executorch_flatbuffer::Program* program = nullptr;
  std::vector<Bytes> segments;                  ///< in the order of `Program.segments`
  NamedData named_data;                         ///< views into `segments`
  std::vector<Bytes> inline_constants;          ///< `Program.constant_buffer`, of files before 2024-09
  std::vector<Bytes> inline_delegates;          ///< `Program.backend_delegate_data`
  Bytes constant_segment;                       ///< of the tensors' constants; empty if they are inline
  std::vector<std::uint64_t> constant_offsets;  ///< of each constant in `constant_segment`, ≤ its size
  Bytes mutable_segment;                        ///< initial values of planned tensors
  std::vector<std::uint64_t> mutable_offsets;   ///< ≤ the size of `mutable_segment`
  std::uint64_t weight_bytes = 0;               ///< of all segments and inline data
};

/// Every address within the file is aligned to this, so that typed access through it is sound. `open_container`
/// demands that its input starts at such an address.
inline constexpr std::size_t kFileAlignment = 16;

/// Reads the extended header (magic "eh00" at byte 8; older files have none), verifies the FlatBuffer's structure and
/// every segment's place.
Outcome<Container> open_container(Bytes file, const Messages& messages);

}  // namespace silhouette::pte
