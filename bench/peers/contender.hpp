#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "silhouette/image_segmentation_module.hpp"

namespace silhouette::bench {

/// One side of a comparison: takes an input, then runs on it as often as it is told to.
class Contender {
 public:
  Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;
  virtual ~Contender() = default;

  /// What runs, for the table: "native", "executorch".
  [[nodiscard]] virtual std::string name() const = 0;

  /// A file with the input: raw float32 for a network, a photo for the whole way. What is read here isn't measured.
  virtual Result<void> set_input(const std::string& path) = 0;

  /// What is measured.
  virtual Result<void> run() = 0;

  /// Bytes of the last run's result: float32 logits, planar, or int32 classes. Valid until the next run.
  [[nodiscard]] virtual std::span<const std::byte> output() const = 0;
};

/// This library's engine alone: no copy of its result beyond what the engine itself makes.
Result<std::unique_ptr<Contender>> make_network_contender(const std::string& model, const LoadOptions& options);

/// ExecuTorch as its own documentation shows it (`Module::forward`), without this library: the peer. Its output stays
/// in the program's memory.
Result<std::unique_ptr<Contender>> make_executorch_contender(const std::string& model, int threads);

/// This library's whole way: a photo's file to the classes of its pixels at its own size.
Result<std::unique_ptr<Contender>> make_photo_contender(const std::string& model, const LoadOptions& options);

}  // namespace silhouette::bench
