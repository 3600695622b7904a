#include "formats/pte/messages.hpp"

#include <fmt/format.h>

namespace silhouette::pte {

Messages Messages::within(std::string_view place) const {
  Messages inner(file_);
  inner.place_ = fmt::format("{}{}: ", place_, place);
  return inner;
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
  return fail(
      ErrorCode::kUnsupportedModel,
      fmt::format("'{}' can't be run here: {}{}; export it for XNNPACK as fp32 or static int8 with fixed shapes", file_,
                  place_, what));
}

std::unexpected<Error> Messages::too_large(std::string_view what) const {
  return fail(ErrorCode::kLimitExceeded,
              fmt::format("'{}' is too large: {}{}; use a smaller model", file_, place_, what));
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
