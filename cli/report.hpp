#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "silhouette/error.hpp"
#include "silhouette/segmentation.hpp"

namespace silhouette::cli {

/// The files that one image's results were written to.
struct Written {
  std::string mask;
  std::string overlay;
  std::string cutout;
  std::string rle;
  std::string polygons;
  std::vector<std::string> npy;
};

/// One image's result as one line of JSON.
std::string result_json(std::string_view name, const Segmentation& segmentation, const Written& written);

/// One image's failure as one line of JSON.
std::string error_json(std::string_view name, const Error& error);

/// One image's result for people: the classes found and the files written.
std::string result_table(std::string_view name, const Segmentation& segmentation, const Written& written, bool colored);

}  // namespace silhouette::cli
