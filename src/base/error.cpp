#include "silhouette/error.hpp"

namespace silhouette {

std::string_view error_code_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "INVALID_ARGUMENT";
    case ErrorCode::kModelNotLoaded: return "MODEL_NOT_LOADED";
    case ErrorCode::kInvalidModel: return "INVALID_MODEL";
    case ErrorCode::kUnsupportedModel: return "UNSUPPORTED_MODEL";
    case ErrorCode::kInvalidImage: return "INVALID_IMAGE";
    case ErrorCode::kUnsupportedImage: return "UNSUPPORTED_IMAGE";
    case ErrorCode::kFileNotFound: return "FILE_NOT_FOUND";
    case ErrorCode::kIoError: return "IO_ERROR";
    case ErrorCode::kDownloadFailed: return "DOWNLOAD_FAILED";
    case ErrorCode::kLimitExceeded: return "LIMIT_EXCEEDED";
    case ErrorCode::kCancelled: return "CANCELLED";
    case ErrorCode::kInternal: return "INTERNAL";
  }
  return "INTERNAL";
}

}  // namespace silhouette
