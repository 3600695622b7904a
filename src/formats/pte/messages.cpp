#include "formats/pte/messages.hpp"

#include <fmt/format.h>

namespace silhouette::pte {
namespace {

constexpr std::string_view kExport = "; export it for XNNPACK as fp32 or static int8 with fixed shapes";
constexpr std::string_view kChange =
    "; make that part of the network of other operators (README.md has those that run)";

std::string unsupported_start(std::string_view file) {
  return fmt::format("'{}' can't be run here: ", file);
}

}  // namespace

Messages Messages::within(std::string_view place) const {
  Messages inner(*this);
  inner.place_ = fmt::format("{}{}: ", place_, place);
  return inner;
}

Messages Messages::of_delegated() const {
  Messages delegated(*this);
  delegated.delegated_ = true;
  return delegated;
}

std::unexpected<Error> Messages::not_a_program(std::string_view why) const {
  return fail(ErrorCode::kInvalidModel,
              fmt::format("'{}' is no ExecuTorch program: {}; give a .pte file, or download it again", file_, why));
}

std::unexpected<Error> Messages::damaged(std::string_view what) const {
  return fail(ErrorCode::kInvalidModel,
              fmt::format("'{}' is damaged: {}{}; download or export it again", file_, place_, what));
}

std::unexpected<Error> Messages::unsupported(std::string_view what) const {
  return fail(ErrorCode::kUnsupportedModel,
              fmt::format("{}{}{}{}", unsupported_start(file_), place_, what, delegated_ ? kChange : kExport));
}

std::unexpected<Error> Messages::too_large(std::string_view what) const {
  return fail(ErrorCode::kLimitExceeded,
              fmt::format("'{}' is too large: {}{}; use a smaller model", file_, place_, what));
}

std::string_view unsupported_reason(const Error& error, std::string_view file) {
  std::string_view reason = error.message;
  const std::string start = unsupported_start(file);
  if (!reason.starts_with(start)) return reason;
  for (const std::string_view remedy : {kExport, kChange}) {
    if (reason.ends_with(remedy)) return reason.substr(start.size(), reason.size() - start.size() - remedy.size());
  }
  return reason;
}

std::string printable(std::string_view text) {
  constexpr std::size_t kMaxShown = 64;
  std::string shown(text.substr(0, kMaxShown));
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (text.size() > kMaxShown) shown += "...";
  return shown;
}

}  // namespace silhouette::pte
