#pragma once

#include <concepts>
#include <optional>
#include <type_traits>

namespace silhouette {

/// a × b, or nothing if it doesn't fit in T. Sizes that come from outside are only ever combined through these.
template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_mul(T a, std::type_identity_t<T> b) noexcept {
  T result{};
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

/// a + b, or nothing if it doesn't fit in T.
template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, std::type_identity_t<T> b) noexcept {
  T result{};
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

/// Whether [offset, offset + length) lies within [0, size).
template <std::unsigned_integral T>
[[nodiscard]] constexpr bool in_range(T offset, std::type_identity_t<T> length, std::type_identity_t<T> size) noexcept {
  return offset <= size && length <= size - offset;
}

}  // namespace silhouette
