#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "silhouette/export.hpp"

namespace silhouette {

/// What kind of thing went wrong. The numbers are stable: they never change meaning between versions.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument = 1,    ///< An option, label, size or source that can't be meant seriously.
  kModelNotLoaded = 10,    ///< `forward` before `load` or after `unload`.
  kInvalidModel = 11,      ///< The bytes are no sound model file.
  kUnsupportedModel = 12,  ///< A sound model file of a kind that isn't an image segmentation, or that no engine runs.
  kInvalidImage = 20,      ///< The bytes are no sound image.
  kUnsupportedImage = 21,  ///< An image format that isn't read here.
  kFileNotFound = 30,      ///< A path that names nothing.
  kIoError = 31,           ///< A file or folder that can't be read or written.
  kDownloadFailed = 40,    ///< A URL that could not be fetched whole.
  kLimitExceeded = 50,     ///< Larger than a documented limit allows, or no memory or thread to be had.
  kCancelled = 60,         ///< The caller asked to stop.
  kInternal = 70,          ///< A defect in Silhouette or a library below it.
};

/// The code's name in upper case, as the command line and the Node package show it ("MODEL_NOT_LOADED").
/// The view is valid forever.
SILHOUETTE_API std::string_view error_code_name(ErrorCode code) noexcept;

/// A failure: a code for programs and a message for people. The message names the input at fault and what to do about
/// it.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

/// Every function of the library that can fail returns this. Nothing throws across the API.
template <typename T>
using Result = std::expected<T, Error>;

/// Shorthand for `return` statements: `return fail(ErrorCode::kIoError, "…")`.
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace silhouette
