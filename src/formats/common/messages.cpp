#include "formats/common/messages.hpp"

#include <fmt/format.h>

namespace silhouette::formats {
namespace {

constexpr std::string_view kChange = "make that part of the network of other operators (README.md has those that run)";

}  // namespace

Messages Messages::within(std::string_view place) const {
  Messages inner(*this);
  inner.place_ = fmt::format("{}{}: ", place_, place);
  return inner;
}

Messages Messages::of_well_exported() const {
  Messages exported(*this);
  exported.well_exported_ = true;
  return exported;
}

std::unexpected<Fault> Messages::of_another_kind(std::string_view why) const {
  return std::unexpected<Fault>(
      std::in_place, ErrorCode::kInvalidModel,
      fmt::format("'{}' is no {}: {}; give a {} file, or download it again", file_, terms_->file, why, terms_->ending),
      std::string(why));
}

std::unexpected<Fault> Messages::damaged(std::string_view what) const {
  std::string reason = fmt::format("{}{}", place_, what);
  return std::unexpected<Fault>(std::in_place, ErrorCode::kInvalidModel,
                                fmt::format("'{}' is damaged: {}; download or export it again", file_, reason), reason);
}

std::unexpected<Fault> Messages::unsupported(std::string_view what) const {
  std::string reason = fmt::format("{}{}", place_, what);
  return std::unexpected<Fault>(
      std::in_place, ErrorCode::kUnsupportedModel,
      fmt::format("'{}' can't be run here: {}; {}", file_, reason, well_exported_ ? kChange : terms_->remedy), reason);
}

std::unexpected<Fault> Messages::too_large(std::string_view what) const {
  std::string reason = fmt::format("{}{}", place_, what);
  return std::unexpected<Fault>(std::in_place, ErrorCode::kLimitExceeded,
                                fmt::format("'{}' is too large: {}; use a smaller model", file_, reason), reason);
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

}  // namespace silhouette::formats
