#pragma once

#include <string_view>

#include "silhouette/error.hpp"

namespace silhouette::cli {

// What the process returns. Scripts depend on these numbers: none ever changes its meaning.
inline constexpr int kExitOk = 0;
inline constexpr int kExitSomeFailed = 1;    ///< several images, and at least one failed
inline constexpr int kExitUsage = 2;         ///< an option, class, or combination of them that can't be meant
inline constexpr int kExitModel = 3;         ///< invalid or unsupported model
inline constexpr int kExitImage = 4;         ///< invalid or unsupported image
inline constexpr int kExitFile = 5;          ///< a file or folder that is missing or can't be read or written
inline constexpr int kExitDownload = 6;      ///< a download failed
inline constexpr int kExitLimit = 7;         ///< larger than a limit allows
inline constexpr int kExitInternal = 8;      ///< a defect of Silhouette
inline constexpr int kExitSignalBase = 128;  ///< plus the signal's number, as shells have it: 130 for Ctrl-C

constexpr int exit_code_for(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument: return kExitUsage;
    case ErrorCode::kModelNotLoaded:
    case ErrorCode::kInvalidModel:
    case ErrorCode::kUnsupportedModel: return kExitModel;
    case ErrorCode::kInvalidImage:
    case ErrorCode::kUnsupportedImage: return kExitImage;
    case ErrorCode::kFileNotFound:
    case ErrorCode::kIoError: return kExitFile;
    case ErrorCode::kDownloadFailed: return kExitDownload;
    case ErrorCode::kLimitExceeded: return kExitLimit;
    case ErrorCode::kCancelled: return kExitSignalBase + 2;
    case ErrorCode::kInternal: return kExitInternal;
  }
  return kExitInternal;
}

inline constexpr std::string_view kExitCodesHelp = R"(Exit codes:
  0    all done
  1    several images, and at least one of them failed (the others are done)
  2    usage: an option, class or combination of them that can't be meant
  3    model: invalid, or of a kind that isn't supported
  4    image: invalid, or of a format that isn't supported
  5    file: missing, or can't be read or written
  6    download failed
  7    larger than a limit allows
  8    internal error
  130  interrupted by Ctrl-C (128 + the number of the signal, also for others)
  141  the reader of standard output went away)";

}  // namespace silhouette::cli
