#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/common/contract.hpp"
#include "formats/common/messages.hpp"
#include "graph/graph.hpp"
#include "silhouette/error.hpp"
#include "silhouette/normalization.hpp"

namespace silhouette::formats {

/// What a file says of itself, unless it says nothing. An error where it says what can't be meant: that matters to
/// those only who have nothing better.
struct Metadata {
  std::optional<Result<std::vector<std::string>>> labels;  ///< as they stand there
  std::optional<Result<Normalization>> normalization;      ///< not checked
};

/// What an engine must know that runs the file itself, not its graph.
struct ForOtherEngines {
  std::string obstacle;  ///< why none may, a sentence about it; or empty
  /// What of the file such an engine goes on reading when it gives back the rest, by first byte and length.
  std::vector<std::pair<std::size_t, std::size_t>> kept;
};

/// What a model file holds, verified whole.
struct Model {
  std::string_view format;  ///< its name; valid forever
  /// The network, which graph::verify accepts and which fits the contract; or why there is none that the native engine
  /// could run: the fault's `reason` says it in few words. Constants are borrowed from the file's bytes.
  Outcome<graph::Graph> graph = std::unexpected(Fault());
  Result<Contract> contract = std::unexpected(Error());  ///< or in what it isn't an image segmentation
  Metadata metadata;
  std::vector<std::string> operators;  ///< distinct, sorted
  std::vector<std::string> delegates;  ///< parts made for a backend of the format's own runtime, by its name, in order
  ForOtherEngines other_engines;
};

struct ReadOptions {
  std::size_t labels = 0;  ///< how many classes the caller has names for, who thereby chooses among several outputs
};

/// A kind of model files.
struct Format {
  std::string_view name;  ///< "pte"
  /// Whether bytes are meant to be of this format: by their first few, in no time.
  bool (*recognizes)(std::span<const std::byte> file);
  /// Whether they are a whole file: its head, its structure and the place of everything in it. What the parts hold
  /// isn't looked at. kInvalidModel, or what `read` would say of a whole one.
  Result<void> (*check_whole)(std::span<const std::byte> file, std::string_view name);
  /// The work behind read_model. Its graph needn't have been compared with its contract.
  Result<Model> (*read)(std::span<const std::byte> file, std::string_view name, const ReadOptions& options);
};

/// All formats, by order of preference; files that none recognises are the first one's to refuse. Defined in a file
/// that holds nothing else (all.cpp), so that a program may be linked with formats of its own.
std::span<const Format* const> all_formats() noexcept;

/// Verifies a file and reads all that is in it. `name` stands for it in messages. kInvalidModel (damaged, or none of
/// the formats), kUnsupportedModel, kLimitExceeded. Pure; reads nothing beyond `file`.
Result<Model> read_model(std::span<const std::byte> file, std::string_view name, const ReadOptions& options = {});

/// Whether the bytes are a whole model file; see Format. Files that are only unsupported or too large are whole: who
/// reads them is told. kInvalidModel.
Result<void> check_whole(std::span<const std::byte> file, std::string_view name);

}  // namespace silhouette::formats
