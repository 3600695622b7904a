#pragma once

#include "arguments.hpp"
#include "console.hpp"
#include "signals.hpp"

namespace silhouette::cli {

/// What a command may use of the process around it.
struct Context {
  Console& console;
  Signals& signals;
};

// Each adds a command to the program.
void add_segment(Arguments& program);
void add_remove(Arguments& program);
void add_models(Arguments& program);
void add_bench(Arguments& program);
void add_info(Arguments& program);

/// Parses the arguments, runs the command that they name and returns the exit code of the process.
int run(int argc, char** argv);

}  // namespace silhouette::cli
