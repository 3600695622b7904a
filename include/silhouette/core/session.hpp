#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "silhouette/error.hpp"
#include "silhouette/export.hpp"
#include "silhouette/network_choices.hpp"
#include "silhouette/normalization.hpp"
#include "silhouette/pixels.hpp"
#include "silhouette/shapes.hpp"

/// The core, a library of its own (CMake's silhouette::core): a model's bytes and pixels in, class maps and pictures
/// out. It opens no file and no socket, decodes no image, prints nothing, and has no threads but those that it is
/// given. `silhouette.hpp` is the library around it for those who have files and URLs. Nothing throws: where memory
/// ends, calls fail with kLimitExceeded. For programs without exceptions and run-time types, too.
namespace silhouette {

class ThreadPool;

namespace core {

/// Threads that any number of sessions share. Copies are the same threads; they end with the last copy and session.
class SILHOUETTE_API Threads {
 public:
  /// None: work is done by the thread that calls, any number of them at once.
  Threads() noexcept;
  Threads(const Threads&) noexcept;
  Threads(Threads&&) noexcept;
  Threads& operator=(const Threads&) noexcept;
  Threads& operator=(Threads&&) noexcept;
  ~Threads();

  /// `count` in all, with the one that calls: 1…256. Fewer, if the system gives no more. Of calls of sessions that
  /// share them twice as many are under way at most, others wait for their turn. kInvalidArgument, kLimitExceeded.
  ///
  /// `between` is called before each of the loops that a call of a session consists of, some a millisecond, by the
  /// thread that calls it: where nobody can call `std::stop_source::request_stop` meanwhile, it can look whether it
  /// should. It may be called by several threads at once, and must not throw.
  [[nodiscard]] static Result<Threads> create(int count, std::function<void()> between = {});

  [[nodiscard]] int count() const noexcept;

 private:
  friend class Session;
  friend class Maps;
  std::shared_ptr<ThreadPool> pool_;
};

/// Names of the sets of kernels that this processor runs, the fastest first: "avx512", "avx2", "portable". Valid
/// forever.
[[nodiscard]] SILHOUETTE_API std::vector<std::string_view> instruction_sets();

struct SessionOptions {
  std::string name = "model";     ///< stands for the model in messages
  Threads threads{};              ///< that do the work
  std::string instruction_set{};  ///< of the network: one of instruction_sets(); empty: the first, or $SILHOUETTE_ISA
  MemoryUse memory = MemoryUse::kDefault;
  std::optional<Normalization> normalization{};  ///< beats the file's
  std::optional<Normalization>
      default_normalization{};        ///< where neither that nor the file's is there, instead of none
  std::vector<std::string> labels{};  ///< beats the file's; all different, as many as there are classes, or none
};

/// What is known of a session's model.
struct SessionDescription {
  std::string name;
  std::string format;  ///< of its file: "pte"
  int input_width = 0;
  int input_height = 0;
  int output_width = 0;
  int output_height = 0;
  int channels = 0;                 ///< of the network's output
  std::vector<std::string> labels;  ///< of the result: two for a single-channel model; all different
  bool has_probabilities = true;    ///< false: it gives numbers of classes, and probabilities of none
  int background = -1;              ///< class called "background", in any case; −1 if there is none
  Normalization normalization;
  std::string normalization_origin;    ///< "caller", "file" or "default"
  std::string labels_origin;           ///< likewise
  std::vector<std::string> operators;  ///< distinct operators of the file's program, sorted
};

struct SegmentOptions {
  std::vector<int> classes{};  ///< channels whose probabilities are wanted; order and repeats don't matter
  bool resize = false;         ///< maps at the image's size instead of the model's
  ResizeFilter filter = ResizeFilter::kAntialias;
  bool keep_image = false;  ///< keep the image in the result, for overlay and cut-out
  std::stop_token stop{};   ///< looked at between and inside stages; then kCancelled
};

/// 8-bit pixels, row by row from the top without gaps. Move-only.
class SILHOUETTE_API Picture {
 public:
  struct Data;
  explicit Picture(std::unique_ptr<Data> data) noexcept;
  Picture(Picture&&) noexcept;
  Picture& operator=(Picture&&) noexcept;
  ~Picture();

  [[nodiscard]] int width() const noexcept;
  [[nodiscard]] int height() const noexcept;
  [[nodiscard]] PixelFormat format() const noexcept;
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept;

 private:
  std::unique_ptr<Data> data_;
};

/// A line of text as coverage: width × height values, 0…255.
struct TextCoverage {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> values;
};

/// Writes one line of UTF-8 text, about `pixel_height` high, as wide as its ink.
using TextWriter = std::function<Result<TextCoverage>(std::string_view text, int pixel_height)>;

/// Probabilities (0…1) of the foreground of a model of one channel, row by row, of the whole image at the model's size.
struct ForegroundView {
  std::span<const float> values;
  int width = 0;
  int height = 0;
};

/// What maps are made of again that were taken apart: copies of what `Maps` shows.
struct MapsView {
  int width = 0;  ///< of the maps, pixels
  int height = 0;
  std::span<const std::int32_t> argmax;  ///< a channel for each pixel
  std::span<const std::string> labels;   ///< one for each class
  std::optional<PixelView> image{};      ///< RGB, of the maps' size
  std::optional<ForegroundView> foreground{};
};

/// A background's blur: means over `share` of the image's longer side, above 0 and at most 1.
struct Blur {
  double share = 0.03;
};

/// What is put behind a cut-out: nothing, a colour (0…255), the image itself out of focus, or another picture, scaled
/// and cropped so that it covers the image.
using Background = std::variant<std::monostate, std::array<std::uint8_t, 3>, Blur, PixelView>;

/// Wall-clock milliseconds.
struct Timings {
  double preprocess_ms = 0;
  double network_ms = 0;
  double postprocess_ms = 0;
};

/// What one image was segmented into. Move-only and self-contained: valid after its session is gone. Reading from
/// several threads is safe.
class SILHOUETTE_API Maps {
 public:
  struct Data;
  explicit Maps(std::unique_ptr<Data> data) noexcept;
  Maps(Maps&&) noexcept;
  Maps& operator=(Maps&&) noexcept;
  ~Maps();

  /// Maps of copies of these. `threads`: for pictures. kInvalidArgument (sizes that don't fit each other, a channel
  /// that no label is for), kLimitExceeded.
  [[nodiscard]] static Result<Maps> from(const MapsView& view, const Threads& threads = {});

  /// Size of every map, pixels: the model's, or the image's where `resize` was asked for.
  [[nodiscard]] int width() const noexcept;
  [[nodiscard]] int height() const noexcept;

  /// Class of every pixel: width × height channel numbers, row by row from the top left. Of equals the first wins.
  [[nodiscard]] std::span<const std::int32_t> argmax() const noexcept;

  /// Channels whose probabilities there are, ascending, without repeats.
  [[nodiscard]] std::span<const int> classes() const noexcept;

  /// Softmax probability (0…1) at every pixel, in the order of `argmax()`. Empty for a channel that wasn't asked for.
  [[nodiscard]] std::span<const float> probability(int channel) const noexcept;

  /// Number of pixels of every class, by channel; they sum to width × height.
  [[nodiscard]] std::span<const std::int64_t> pixel_counts() const noexcept;

  /// The image at the maps' size, RGB; nothing unless it was to be kept.
  [[nodiscard]] std::optional<PixelView> image() const noexcept;
  /// Nothing unless the model has one channel and the image was to be kept.
  [[nodiscard]] std::optional<ForegroundView> foreground() const noexcept;
  /// That it took to make them; of maps from elsewhere 0.
  [[nodiscard]] Timings timings() const noexcept;

  /// The pixels of a class as COCO's run lengths. kInvalidArgument for a class that there isn't.
  [[nodiscard]] Result<Rle> rle(int channel) const;

  /// The pixels of a class as polygons, as `Segmentation::polygons` describes. kInvalidArgument, kLimitExceeded.
  [[nodiscard]] Result<std::vector<Polygon>> polygons(int channel, double tolerance = 1.0,
                                                      std::int64_t min_area = 0) const;

  /// The class map as grey pixels whose values are the class numbers. kUnsupportedModel for more than 256 classes.
  [[nodiscard]] Result<Picture> mask() const;

  /// The image with every class but background in its colour, with outlines, and a legend if `text` writes it: RGB.
  /// `opacity` of the colours: 0…1. Needs SegmentOptions::keep_image, otherwise kInvalidArgument.
  [[nodiscard]] Result<Picture> overlay(float opacity = 0.55F, const TextWriter& text = {}) const;

  /// The image with everything but the subject transparent: RGBA. `subject`: channels; none: all but background. Of a
  /// model of one channel its probabilities decide and edges are the image's, else the class map does and edges fade
  /// over a few pixels. With a background it is RGB. Needs SegmentOptions::keep_image. Uses the session's threads.
  [[nodiscard]] Result<Picture> cutout(std::span<const int> subject = {}, const Background& background = {}) const;

 private:
  std::unique_ptr<Data> data_;
};

/// A model that is ready to segment images, on the native engine. Move-only; all members may be called from several
/// threads at once.
class SILHOUETTE_API Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Verifies a model file's bytes and makes the network ready; they aren't needed after the call. kInvalidModel,
  /// kUnsupportedModel (in what the native engine doesn't know it), kInvalidArgument (an option), kLimitExceeded.
  [[nodiscard]] static Result<Session> load(std::span<const std::byte> model, const SessionOptions& options = {});

  [[nodiscard]] const SessionDescription& description() const noexcept;

  /// Segments one image; alpha is flattened on white. kInvalidArgument (pixels that don't fit their sizes, a channel
  /// that there isn't), kUnsupportedModel, kLimitExceeded, kCancelled.
  [[nodiscard]] Result<Maps> segment(const PixelView& image, const SegmentOptions& options = {}) const;

  /// What the network makes of 3 × input_height × input_width values as it takes them, plane by plane: channels ×
  /// output_height × output_width of them, likewise. kInvalidArgument for another number, kLimitExceeded, kCancelled.
  [[nodiscard]] Result<std::vector<float>> run(std::span<const float> planes, std::stop_token stop = {}) const;

 private:
  struct Data;
  explicit Session(std::unique_ptr<Data> data) noexcept;
  std::unique_ptr<Data> data_;
};

}  // namespace core
}  // namespace silhouette
