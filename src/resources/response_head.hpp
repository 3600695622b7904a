#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace silhouette {

inline constexpr int kStatusOk = 200;
inline constexpr int kStatusTransformed = 203;  ///< "non-authoritative": as a proxy changed it
inline constexpr int kStatusPartialContent = 206;
inline constexpr int kStatusRangeNotSatisfiable = 416;

/// What a server says before the body.
struct ResponseHead {
  int status = 0;
  std::optional<std::uint64_t> content_length;  ///< of this body, as it comes
  std::optional<std::uint64_t> range_start;     ///< from Content-Range
  std::optional<std::uint64_t> range_total;     ///< size of the whole file, from Content-Range
  std::string etag;                             ///< with its quotes; empty if absent or weak
  bool encoded = false;                         ///< compressed, though nobody asked for it

  [[nodiscard]] bool successful() const noexcept {
    return status == kStatusOk || status == kStatusTransformed || status == kStatusPartialContent;
  }

  [[nodiscard]] std::uint64_t start() const noexcept { return range_start.value_or(0); }

  /// Size of the whole file, where it is known.
  [[nodiscard]] std::optional<std::uint64_t> total() const noexcept {
    return range_total ? range_total : content_length;
  }

  /// Takes a line of the head: its first one makes all anew.
  void read(std::string_view line);

  /// Once the head is whole: forgets what it says of bytes other than those that are handed on.
  void finish();
};

}  // namespace silhouette
