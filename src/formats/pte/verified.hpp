#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "formats/pte/container.hpp"
#include "formats/pte/plan.hpp"
#include "formats/pte/program.hpp"
#include "formats/pte/xnnpack.hpp"

namespace silhouette::pte {

/// A program, with what it was verified from. Borrows the file's bytes.
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

/// Verifies a whole ExecuTorch program: header, FlatBuffers structure, every segment, offset, index, arity and size of
/// the method `forward`, and every XNNPACK payload (node by node, shapes inferred and compared), so that an engine that
/// trusts the file can run it. `file` starts at a multiple of kFileAlignment; `name` stands for it in messages.
/// kInvalidModel, kUnsupportedModel, kLimitExceeded. Pure; reads nothing beyond `file`. May throw std::bad_alloc.
Outcome<VerifiedProgram> verify_program(Bytes file, std::string_view name);

}  // namespace silhouette::pte
