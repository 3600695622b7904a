#pragma once

#include <stop_token>
#include <string>

#include "arguments.hpp"
#include "console.hpp"
#include "silhouette/error.hpp"
#include "silhouette/image_segmentation_module.hpp"

namespace silhouette::cli {

/// The options that say which model runs and how.
struct ModelOptions {
  std::string model{kDeeplabV3MobilenetV2Embedded};
  std::string engine = "auto";
  std::string memory = "default";
  bool keep_packed = false;
  int threads = 0;
  std::string cache;
  std::string mean;
  std::string std;
  std::string labels;  ///< a file
};

/// --engine, --threads and --cache.
void add_engine_options(Arguments& command, ModelOptions& options);

/// --mean, --std and --labels.
void add_metadata_options(Arguments& command, ModelOptions& options);

void add_cache_option(Arguments& command, std::string& cache);

/// Loads the model into `module`, showing the progress of a download.
Result<ModelDescription> load_model(ImageSegmentationModule& module, const ModelOptions& options, Console& console,
                                    std::stop_token stop);

}  // namespace silhouette::cli
