#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "console.hpp"
#include "signals.hpp"

namespace silhouette::cli {

/// What a command may use of the process around it.
struct Context {
  Console& console;
  Signals& signals;
};

/// A command with its options parsed: runs and returns the exit code.
using Command = std::function<int(Context&)>;

// Each adds a command to the application; parsing that command's arguments sets `chosen`.
void add_segment(CLI::App& app, Command& chosen);
void add_models(CLI::App& app, Command& chosen);
void add_bench(CLI::App& app, Command& chosen);
void add_info(CLI::App& app, Command& chosen);

/// Parses the arguments, runs the command that they name and returns the exit code of the process.
int run(int argc, char** argv);

}  // namespace silhouette::cli
