// Networks run in several ways, whose results must agree.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/thread_pool.hpp"
#include "engine/engine.hpp"
#include "engine/native/native_engine.hpp"
#include "formats/model.hpp"
#include "graph/graph.hpp"

namespace silhouette::fuzz {

/// A model file that all of its readers accepted, and a network that is small enough to be run often.
struct Loaded {
  graph::Graph graph;
  NetworkShape shape;
  formats::ForOtherEngines other_engines;
};

/// How sound a file is.
enum class Soundness : std::uint8_t {
  kUnknown,  ///< it may be refused with a reason
  kSound,    ///< it may not
};

/// Verifies `file`, and that whatever is said of it fits together: a reason has its code and names the file, and a
/// network that is read is consistent. Nothing for a file that isn't read, or is too much work.
std::optional<Loaded> load(std::span<const std::byte> file, Soundness soundness);

/// Values between −1 and 1 for the network, always the same.
std::vector<float> input_for(const NetworkShape& shape);

/// What the plain interpreter makes of it, in the order of an engine's results, and how far a good engine may be off.
struct Expected {
  std::vector<float> values;
  double tolerance = 0;
};
Expected interpret(const Loaded& network, std::span<const float> input);

/// Loads and runs the native engine.
std::vector<float> run_native(const Loaded& network, std::span<const float> input, const NativeOptions& options,
                              ThreadPool& pool);

/// Ends the process unless they are the same to the last bit.
void require_same(std::span<const float> a, std::span<const float> b, std::string_view what);

/// Ends the process where they differ by more than `tolerance`. Where `expected` is no finite number all goes.
void require_near(std::span<const float> values, std::span<const float> expected, double tolerance,
                  std::string_view what);

/// Pools of one thread and of three.
ThreadPool& one_thread();
ThreadPool& three_threads();

}  // namespace silhouette::fuzz
