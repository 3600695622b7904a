#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "silhouette/error.hpp"

namespace silhouette::cli {

/// One image to segment.
struct Input {
  std::string source;            ///< as the library takes it; "-" is standard input
  std::string name;              ///< as messages and results show it: the source, shortened where it is base64
  std::string stem;              ///< what the names of its outputs begin with
  std::filesystem::path folder;  ///< of the file; empty (the current one) for what is no file
  std::filesystem::path below;   ///< its folder relative to the folder given on the command line, if one was
  std::optional<std::filesystem::path> file;  ///< where it is a file, or would be one
  bool stream = false;                        ///< a pipe or device: the library doesn't read these
  std::optional<Error> error;                 ///< what was wrong with it already when it was looked for
};

struct Inputs {
  std::vector<Input> images;
  bool several = false;  ///< more than one image may come of it: more than one argument, or a folder
};

/// What the arguments of a command name. Folders give their images (files with an image's ending, sorted by name,
/// without hidden files and without pictures that this command made before), `recursive` also those of the folders
/// below but hidden ones. A folder that can't be read becomes an input with an error, and so does one that gives
/// nothing. kInvalidArgument if standard input is named twice or is a terminal.
Result<Inputs> expand_inputs(const std::vector<std::string>& arguments, bool recursive);

}  // namespace silhouette::cli
