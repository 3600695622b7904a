#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "resources/download.hpp"
#include "silhouette/error.hpp"
#include "silhouette/models.hpp"

namespace silhouette {

/// A model file may have this many bytes at most.
inline constexpr std::uint64_t kMaxModelBytes = 4ULL << 30;

/// How the cache's names of models end, whatever their format: that is told by their bytes.
inline constexpr std::string_view kModelEnding = ".pte";

/// A model on this machine.
struct LocalModel {
  std::filesystem::path path;
  const ModelEntry* entry = nullptr;  ///< where the source was a name, or the URL of one
  /// In the cache or the models folder, whose files are replaced whole and never changed in place, and nobody else's to
  /// change or cut short.
  bool ours = false;
  bool cached = false;  ///< a download
};

/// Whether a file is a whole, sound model; `name` is for messages. Asked of the formats, of which nothing is known
/// here.
using ModelCheck = std::function<Result<void>(std::span<const std::byte> file, std::string_view name)>;

/// Where downloads are kept: `chosen` if not empty, else $SILHOUETTE_CACHE, $XDG_CACHE_HOME/silhouette,
/// ~/.cache/silhouette. It need not be there yet. kInvalidArgument if nothing tells.
Result<std::filesystem::path> cache_directory(const std::string& chosen);

/// The file in which a URL's download is kept: readable name plus a hash of the URL.
std::filesystem::path cached_file(const std::filesystem::path& cache, const std::string& url);

/// The folder in which weights packed for the native engine are kept, as files "….bin".
std::filesystem::path packed_directory(const std::filesystem::path& cache);

/// Folders searched for the embedded model, in this order: $SILHOUETTE_MODELS; for the library and then the executable
/// the place that an installation has relative to it, and "models" beside it, which is a link in a build tree; the
/// install prefix.
std::vector<std::filesystem::path> model_directories();

/// The limits of a model's download.
DownloadLimits model_limits(const DownloadPatience& patience);

/// How a model is fetched; the defaults suit the users' calls.
struct ModelFetch {
  std::string sha256{};  ///< 64 hexadecimal digits that the file must have, or empty: not checked
  ModelCheck check{};    ///< of downloads, new ones and those in the cache; may be empty
  DownloadLimits limits = model_limits({});
};

/// Name, path, file URI or URL → a file here, downloading it unless it is in the cache already (then no network is
/// touched), or what is there fails the check. The URLs of registered models go to $SILHOUETTE_MODEL_HOST, a mirror
/// ("https://mirror.example/folder"), if that is set. `progress`: fractions that never fall, first 0, the last one of a
/// success 1; while the size is unknown they stay 0.
///
/// kFileNotFound (path), kInvalidArgument (a text that is no path and no known name: lists those), kIoError,
/// kDownloadFailed, kLimitExceeded, kCancelled, kInvalidModel (what was downloaded fails the check, or a local file
/// hasn't the SHA-256).
Result<LocalModel> resolve_model(const std::string& source, const std::string& cache,
                                 const std::function<void(double)>& progress, std::stop_token stop,
                                 const ModelFetch& fetch = {});

/// The file in the cache, there or not, of a model that is or would be downloaded: by its name or URL, or its path
/// there. kInvalidArgument for the embedded model and other paths.
Result<std::filesystem::path> download_of(const std::string& source, const std::string& cache);

/// Whether a model's file is here without a download, and where. kFileNotFound if it would have to be downloaded, or
/// downloaded anew since it fails the check.
Result<LocalModel> find_local_model(const std::string& source, const std::string& cache, const ModelCheck& check = {});

}  // namespace silhouette
