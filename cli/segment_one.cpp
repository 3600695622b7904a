#include "segment_one.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <set>
#include <span>
#include <utility>

#include "files.hpp"
#include "format.hpp"
#include "npy.hpp"
#include "report.hpp"
#include "signals.hpp"

namespace silhouette::cli {
namespace {

namespace fs = std::filesystem;

/// As large as an encoded image may be that the library reads itself.
constexpr std::uint64_t kMaxStream = 256ULL << 20;

/// A picture or a text that is ready to be written.
struct File {
  fs::path path;
  std::vector<std::byte> bytes;
  std::string* written;
};

Result<std::vector<std::byte>> as_bytes(const Result<std::string>& text) {
  if (!text) return std::unexpected(text.error());
  const auto bytes = std::as_bytes(std::span(*text));
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

std::vector<ClassId> class_ids(const std::vector<int>& classes) {
  return {classes.begin(), classes.end()};
}

/// A label as a file's name: nothing that leaves the folder, hides the file or needs quoting.
std::string file_name(std::string_view label) {
  std::string name(label);
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x21 || byte == 0x7F || std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos) c = '_';
  }
  if (name.empty() || name.front() == '.') name.insert(0, "_");
  // A file's name has 255 bytes at most on the file systems in use; the rest is for the number and the ending.
  constexpr std::size_t kMaxBytes = 200;
  return cut(name, kMaxBytes);
}

Result<void> write_arrays(const Segmentation& segmentation, const std::vector<int>& classes, const fs::path& folder,
                          std::vector<std::string>& written) {
  if (auto made = make_folder(folder); !made) return made;
  const auto write = [&](const std::string& name, auto values) -> Result<void> {
    const fs::path path = folder / name;
    auto done = write_npy(path, values, segmentation.height(), segmentation.width());
    if (done) written.push_back(path.string());
    return done;
  };
  const std::vector<std::string> names = array_names(segmentation.labels(), classes);
  if (auto done = write(names[0], segmentation.argmax()); !done) return done;
  std::size_t next = 1;
  for (const int index : std::set(classes.begin(), classes.end())) {
    const auto probability = segmentation.probability(index);
    if (!probability) return std::unexpected(probability.error());
    if (auto done = write(names[next++], *probability); !done) return done;
  }
  return {};
}

/// Everything is encoded before anything is written, so that a failure leaves no half of an image's outputs.
Result<Outcome> segment(const Input& input, const OutputPlan& plan, const Settings& settings,
                        const ImageSegmentationModule& module, const std::stop_token& stop) {
  const bool pictures_of_photo = plan.overlay || plan.cutout;
  const ForwardOptions options{.resize = settings.resize || pictures_of_photo,
                               .filter = settings.filter,
                               .keep_image = pictures_of_photo,
                               .stop = stop};
  const std::vector<ClassId> wanted = class_ids(settings.classes);
  std::vector<std::byte> streamed;
  if (input.stream) {
    auto read =
        read_stream(input.source == "-" ? input.source : input.file->string(), kMaxStream, Signals::wake_descriptor());
    if (!read) return std::unexpected(std::move(read.error()));
    streamed = std::move(*read);
  }
  auto segmentation =
      module.forward(input.stream ? ImageSource::encoded(streamed) : ImageSource(input.source), wanted, options);
  if (!segmentation) {
    // The library knows only "image bytes".
    if (input.stream) segmentation.error().message.insert(0, shown_stream(input.source) + ": ");
    return std::unexpected(std::move(segmentation.error()));
  }

  Written written;
  std::vector<File> files;
  Outcome outcome;
  const auto add = [&](const std::optional<fs::path>& path, std::string& name, auto&& encode) -> Result<void> {
    if (!path) return {};
    Result<std::vector<std::byte>> bytes = encode();
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "cancelled");
    if (*path == "-") {
      outcome.standard_output = std::move(*bytes);
    } else {
      files.push_back({*path, std::move(*bytes), &name});
    }
    return {};
  };
  if (auto done = add(plan.mask, written.mask, [&] { return segmentation->mask_png(); }); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (auto done = add(plan.overlay, written.overlay, [&] { return segmentation->overlay_png(); }); !done) {
    return std::unexpected(std::move(done.error()));
  }
  if (auto done = add(plan.cutout, written.cutout, [&] { return segmentation->cutout_png(wanted, settings.behind); });
      !done) {
    return std::unexpected(std::move(done.error()));
  }

  const auto shapes = plan.rle || plan.polygons ? shape_classes(*segmentation, settings.classes, settings.background)
                                                : std::vector<int>{};
  if (auto done = add(plan.rle, written.rle, [&] { return as_bytes(rle_json(*segmentation, shapes)); }); !done) {
    return std::unexpected(std::move(done.error()));
  }
  const auto polygons = [&] { return as_bytes(polygons_json(*segmentation, shapes, settings.shapes)); };
  if (auto done = add(plan.polygons, written.polygons, polygons); !done) {
    return std::unexpected(std::move(done.error()));
  }

  for (const auto& file : files) {
    const fs::path folder = file.path.parent_path();
    if (!folder.empty()) {
      if (auto made = make_folder(folder); !made) return std::unexpected(std::move(made.error()));
    }
    if (auto done = write_file(file.path, std::array{std::span<const std::byte>(file.bytes)}); !done) {
      return std::unexpected(std::move(done.error()));
    }
    *file.written = file.path.string();
  }
  if (plan.npy) {
    if (auto done = write_arrays(*segmentation, settings.classes, *plan.npy, written.npy); !done) {
      return std::unexpected(std::move(done.error()));
    }
  }
  if (settings.report == Report::kJson) outcome.report = result_json(input.name, *segmentation, written);
  if (settings.report == Report::kTable) {
    outcome.report = result_table(input.name, *segmentation, written, settings.colored);
  }
  return outcome;
}

}  // namespace

std::vector<std::string> array_names(std::span<const std::string> labels, const std::vector<int>& classes) {
  std::vector<std::string> names{"ARGMAX.npy"};
  std::set<std::string> taken{"ARGMAX"};
  for (const int index : std::set(classes.begin(), classes.end())) {
    std::string name = file_name(labels[static_cast<std::size_t>(index)]);
    if (!taken.insert(name).second) taken.insert(name = fmt::format("{}-{}", name, index));
    names.push_back(name + ".npy");
  }
  return names;
}

Outcome failed(const Input& input, const Error& error, const Settings& settings) {
  Outcome outcome;
  outcome.error = error;
  if (settings.report == Report::kJson) outcome.report = error_json(input.name, *outcome.error);
  return outcome;
}

namespace {

/// Where there is no memory for the message either, a text so short that it needs none.
Outcome out_of_memory(const Input& input, const Settings& settings) noexcept {
  try {
    return failed(input, {ErrorCode::kLimitExceeded, fmt::format("'{}': out of memory", input.name)}, settings);
  } catch (const std::bad_alloc&) {
    Outcome outcome;
    outcome.error.emplace(ErrorCode::kLimitExceeded, "out of memory");
    return outcome;
  }
}

}  // namespace

Outcome segment_one(const Input& input, const OutputPlan& plan, const Settings& settings,
                    const ImageSegmentationModule& module, const std::stop_token& stop) noexcept {
  try {
    if (input.error) return failed(input, *input.error, settings);
    if (stop.stop_requested()) return failed(input, {ErrorCode::kCancelled, "cancelled"}, settings);
    auto outcome = segment(input, plan, settings, module, stop);
    return outcome ? std::move(*outcome) : failed(input, outcome.error(), settings);
  } catch (const std::bad_alloc&) {
    return out_of_memory(input, settings);
  } catch (const std::exception& error) {
    return failed(input, {ErrorCode::kInternal, fmt::format("'{}': {}", input.name, error.what())}, settings);
  }
}

}  // namespace silhouette::cli
