#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "formats/pte/container.hpp"
#include "formats/pte/plan.hpp"
#include "formats/pte/program.hpp"
#include "formats/pte/xnnpack.hpp"
#include "graph/graph.hpp"

namespace silhouette::pte {

/// A program that parse_program would accept, with what it was verified from. Borrows the file's bytes.
struct VerifiedProgram {
  Program program;
  Plan forward;
  std::vector<xnnpack::Graph> graphs;  ///< of `forward.delegates`
};

/// A file's bytes at an address that typed access needs.
struct AlignedFile {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> copy;  ///< what holds them, if the file's own address didn't do

  static Outcome<AlignedFile> of(std::span<const std::byte> bytes);
};

/// The work behind parse_program. `file` starts at a multiple of kFileAlignment. May throw std::bad_alloc.
Outcome<VerifiedProgram> verify_program(Bytes file, std::string_view name);

/// The work behind read_network. `owner` holds the program's bytes; null if the caller does. May throw std::bad_alloc.
Outcome<graph::Graph> network_of(const VerifiedProgram& program, std::string_view name, std::size_t output,
                                 std::shared_ptr<const void> owner);

}  // namespace silhouette::pte
