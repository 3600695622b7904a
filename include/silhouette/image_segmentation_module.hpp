#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "silhouette/download_patience.hpp"
#include "silhouette/error.hpp"
#include "silhouette/export.hpp"
#include "silhouette/image_source.hpp"
#include "silhouette/models.hpp"
#include "silhouette/network_choices.hpp"
#include "silhouette/segmentation.hpp"

namespace silhouette {

/// Which runtime executes the network.
enum class EngineChoice : std::uint8_t {
  kAuto,        ///< native if it knows all of the model's operators, otherwise ExecuTorch
  kNative,      ///< our own: the fastest; float32 networks
  kExecutorch,  ///< the official ExecuTorch runtime with XNNPACK
};

struct LoadOptions {
  EngineChoice engine = EngineChoice::kAuto;
  MemoryUse memory = MemoryUse::kDefault;
  /// Keep the native engine's packed weights in the cache directory (`packed/`) and map them on later loads, which then
  /// take milliseconds. Costs up to twice the model's size on disk. For models from files or URLs. Only files of this
  /// user's own (or root's) that nobody else may write to are mapped, after their checksum was compared. Like every
  /// mapped file they must not be cut short while a model uses them, which would end the process (SIGBUS): delete or
  /// replace them instead, or do without this option.
  bool keep_packed_weights = false;
  /// Of one call: 0 = one per processor available to this process; otherwise 1…256. All models of a process share their
  /// threads. With several calls at once each gets what the others leave free. As many as twice the processors (or the
  /// largest `threads` of any model since, if that is more) are under way at once; the others wait for their turn,
  /// first come, first served. The threads end with the last model. ExecuTorch's runs are one at a time, and take no
  /// turns. ExecuTorch has one pool for the whole process, which can't be resized while a model uses it: next to
  /// another loaded model its pool's size holds, except that 1 is obeyed.
  int threads = 0;
  std::optional<Normalization> normalization;  ///< beats the file's metadata and the registry
  /// Beats the file's metadata; all different, as many as the model has classes, or empty. A model with one channel has
  /// two classes, or one label for its foreground; more say that its values are numbers of classes.
  std::vector<std::string> labels;
  std::string
      cache_directory;  ///< for downloads; empty = $SILHOUETTE_CACHE, $XDG_CACHE_HOME/silhouette or ~/.cache/silhouette
  std::string sha256;   ///< 64 hexadecimal digits that the model's file must have, or empty: not checked
  DownloadPatience patience{};  ///< with the download
  std::stop_token stop;         ///< cancels a download; `load` then fails with kCancelled
};

struct ForwardOptions {
  bool resize = false;  ///< maps at the original's size instead of the model's
  ResizeFilter filter = ResizeFilter::kAntialias;
  DownloadPatience patience{};  ///< with the download, where the image is a URL
  bool keep_image = false;      ///< keep the decoded photo in the result, for overlay_png and cutout_png
  std::stop_token stop;         ///< looked at between and inside stages; then kCancelled
};

/// What is known about a loaded model.
struct ModelDescription {
  std::string source;
  std::string engine;
  std::string engine_reason;
  /// "avx512", "avx2" or "portable": the best that this processor has, or what the environment's SILHOUETTE_ISA names.
  /// Obeyed by the native engine and what is done before and after a network, not by ExecuTorch. `load` fails with
  /// kInvalidArgument if there is no such thing here.
  std::string instructions;
  int input_width = 0;
  int input_height = 0;
  int output_width = 0;
  int output_height = 0;
  int channels = 0;                 ///< of the network's output
  std::vector<std::string> labels;  ///< of the result: two for a single-channel model; all different
  bool has_probabilities = true;    ///< false: it gives numbers of classes, and no class can be of interest
  int background = -1;              ///< channel of the class called "background", in any case; −1 if there is none
  int threads = 1;                  ///< that were asked for, or one for each processor
  Normalization normalization;
  std::string normalization_origin;    ///< "caller", "file", "registry" or "default"
  std::string labels_origin;           ///< likewise
  std::vector<std::string> operators;  ///< distinct operators of the file's program, sorted
  std::vector<std::string> delegates;  ///< ids of its delegates ("XnnpackBackend"), one per call
};

/// A part of a network's run.
struct StepTime {
  std::string name;
  double milliseconds = 0;         ///< the least of all runs
  std::int64_t multiply_adds = 0;  ///< that are really computed; 0 for what only moves or combines values
};

/// Where a network's time goes.
struct NetworkProfile {
  std::vector<StepTime> steps;  ///< in the order of running
  int threads = 0;
  double peak_gflops = 0;  ///< what this machine's cores can do at most with so many threads, as measured; 0: unknown
};

/// Segments images with one model at a time: react-native-executorch's `ImageSegmentationModule` for C++.
///
/// All members may be called from several threads at once. A `forward` that is running when `load` or `unload` is
/// called ends on the model that it started with.
///
/// Where memory ends, members fail with kLimitExceeded, leave nothing behind, and work again once there is some. What
/// they call in other libraries may not: GLib, on which libvips and the legends' text stand, ends the process, and so
/// may ExecuTorch. Memory is reserved and given back before they are entered, so that this only happens if it ends
/// while they work. Programs that must go on give their images as pixels to the native engine, which call neither.
class SILHOUETTE_API ImageSegmentationModule {
 public:
  ImageSegmentationModule();
  ImageSegmentationModule(ImageSegmentationModule&&) noexcept;
  ImageSegmentationModule& operator=(ImageSegmentationModule&&) noexcept;
  ImageSegmentationModule(const ImageSegmentationModule&) = delete;
  ImageSegmentationModule& operator=(const ImageSegmentationModule&) = delete;
  ~ImageSegmentationModule();

  /// Registers the callback that `load` tells its progress to; it replaces an earlier one, an empty one removes it.
  /// Called on the thread that calls `load`, with fractions from 0 to 1 that never fall; the last one of a successful
  /// `load` is exactly 1, also for local and cached files. It must not throw or call this module.
  void on_download_progress(std::function<void(double fraction)> callback);

  /// Loads a model and makes it the one that `forward` uses. If it fails, the model loaded before stays in use. Of
  /// several loads at a time the one that ends last stays; `unload` doesn't stop a load that is under way
  /// (`LoadOptions::stop` does).
  Result<void> load(ModelSource source, const LoadOptions& options = {});

  /// Forgets the model and frees its memory as soon as no `forward` uses it.
  void unload() noexcept;

  /// The loaded model's description, or kModelNotLoaded.
  [[nodiscard]] Result<ModelDescription> description() const;

  /// Segments one image. `classes_of_interest`: the classes whose probability maps are wanted; order and repeats don't
  /// matter. `resize`: maps at the original's size instead of the model's.
  [[nodiscard]] Result<Segmentation> forward(const ImageSource& source,
                                             std::span<const ClassId> classes_of_interest = {},
                                             bool resize = false) const;

  /// The same with all options.
  [[nodiscard]] Result<Segmentation> forward(const ImageSource& source, std::span<const ClassId> classes_of_interest,
                                             const ForwardOptions& options) const;

  /// Runs the network alone on the caller's input for benchmarks and experiments: `input` is 3 × input_height ×
  /// input_width normalised floats, planar; the result is channels × output_height × output_width logits, planar.
  [[nodiscard]] Result<std::vector<float>> run_network(std::span<const float> input, std::stop_token stop = {}) const;

  /// Runs the network `runs` ≥ 1 times on such an input and tells what each step took. Only the native engine has
  /// steps: kInvalidArgument with another.
  [[nodiscard]] Result<NetworkProfile> profile_network(std::span<const float> input, int runs,
                                                       std::stop_token stop = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace silhouette
