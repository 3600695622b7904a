#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "silhouette/error.hpp"

namespace silhouette::pte {

using Status = std::expected<void, Error>;

/// Makes the parser's errors: each names the file, the place in it, what is wrong and what to do.
class Messages {
 public:
  explicit Messages(std::string_view file) : file_(file) {}

  /// The same for a place within this one: "method 'forward'", "node 3 (conv_2d)".
  [[nodiscard]] Messages within(std::string_view place) const;
  /// The same for a file that is exported for XNNPACK already: that is no remedy.
  [[nodiscard]] Messages of_delegated() const;

  /// The file isn't an ExecuTorch program at all.
  [[nodiscard]] std::unexpected<Error> not_a_program(std::string_view why) const;
  /// It is one, but contradicts itself.
  [[nodiscard]] std::unexpected<Error> damaged(std::string_view what) const;
  /// It is sound and asks for what isn't run here.
  [[nodiscard]] std::unexpected<Error> unsupported(std::string_view what) const;
  /// It is larger than limits.hpp allows.
  [[nodiscard]] std::unexpected<Error> too_large(std::string_view what) const;

 private:
  std::string file_;
  std::string place_;  // ends in ": " unless empty
  bool delegated_ = false;
};

/// What an error made by unsupported() says between the file's name and the remedy: for messages with a better remedy,
/// or none. Other errors' messages are whole.
std::string_view unsupported_reason(const Error& error, std::string_view file);

/// Text out of the file, fit for a message: at most 64 characters, everything but printable ASCII replaced by '?'.
std::string printable(std::string_view text);

/// Hands on the error of a Result as that of another type.
template <typename T>
std::unexpected<Error> forward_error(std::expected<T, Error>&& result) {
  return std::unexpected<Error>(std::move(result).error());
}

}  // namespace silhouette::pte
