#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "silhouette/error.hpp"

namespace silhouette::formats {

/// A reader's error: what users are told, and its middle alone, for messages with another beginning and remedy.
struct Fault : Error {
  std::string reason;  ///< the place in the file and what is wrong there

  Fault() = default;
  // The errors of what readers stand on have no parts.
  Fault(Error error) : Error(std::move(error)), reason(message) {}  // NOLINT(google-explicit-constructor)
  Fault(ErrorCode error_code, std::string whole, std::string why)
      : Error{error_code, std::move(whole)}, reason(std::move(why)) {}
};

/// What functions of a format's reader return. An Outcome is the Result of whoever asks for no more.
template <typename T>
using Outcome = std::expected<T, Fault>;
using Status = Outcome<void>;

/// What differs from format to format in messages.
struct Terms {
  std::string_view file;    ///< "ExecuTorch program"
  std::string_view ending;  ///< ".pte"
  std::string_view remedy;  ///< for a network that isn't run here, as it was exported
};

/// Makes a reader's errors: each names the file, the place in it, what is wrong and what to do.
class Messages {
 public:
  /// `terms`: of static duration.
  Messages(std::string_view file, const Terms& terms) : file_(file), terms_(&terms) {}

  /// The same for a place within this one: "method 'forward'", "node 3 (conv_2d)".
  [[nodiscard]] Messages within(std::string_view place) const;
  /// The same for a file that was exported as the remedy says already.
  [[nodiscard]] Messages of_well_exported() const;

  /// The file isn't of this format at all.
  [[nodiscard]] std::unexpected<Fault> of_another_kind(std::string_view why) const;
  /// It is, but contradicts itself.
  [[nodiscard]] std::unexpected<Fault> damaged(std::string_view what) const;
  /// It is sound and asks for what isn't run here.
  [[nodiscard]] std::unexpected<Fault> unsupported(std::string_view what) const;
  /// It is larger than the limits allow.
  [[nodiscard]] std::unexpected<Fault> too_large(std::string_view what) const;

 private:
  std::string file_;
  const Terms* terms_;
  std::string place_;  // ends in ": " unless empty
  bool well_exported_ = false;
};

/// Text out of the file, fit for a message: at most 64 characters, everything but printable ASCII replaced by '?'.
std::string printable(std::string_view text);

/// Hands on the error of an Outcome as that of another type.
template <typename T>
std::unexpected<Fault> forward_error(std::expected<T, Fault>&& outcome) {
  return std::unexpected<Fault>(std::move(outcome).error());
}

}  // namespace silhouette::formats
