#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "formats/pte/limits.hpp"

namespace silhouette::pte {

/// The bytes of a FlatBuffers vector of bytes; empty for a missing one.
inline std::span<const std::byte> as_bytes(const flatbuffers::Vector<std::uint8_t>* vector) {
  if (vector == nullptr) return {};
  return std::as_bytes(std::span(vector->data(), vector->size()));
}

/// A FlatBuffers vector of numbers up to 4 bytes; empty for a missing one.
template <typename T>
std::span<const T> as_span(const flatbuffers::Vector<T>* vector) {
  static_assert(sizeof(T) <= 4);
  if (vector == nullptr) return {};
  return {vector->data(), vector->size()};
}

/// A FlatBuffers vector of 8-byte numbers; empty for a missing one, nothing for a misaligned one. (FlatBuffers'
/// verifier sees to the alignment of a vector's length only. Writers align the first number: an empty vector, which
/// has none, may lie anywhere.)
template <typename T>
std::optional<std::span<const T>> as_wide_span(const flatbuffers::Vector<T>* vector) {
  static_assert(sizeof(T) == 8);
  if (vector == nullptr || vector->size() == 0) return std::span<const T>();
  if (reinterpret_cast<std::uintptr_t>(vector->Data()) % alignof(T) != 0) return std::nullopt;
  return std::span<const T>(vector->data(), vector->size());
}

/// Number of elements; 0 for a missing vector.
template <typename T>
std::size_t count(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? 0 : vector->size();
}

/// The text; empty for a missing one.
inline std::string_view as_text(const flatbuffers::String* text) {
  if (text == nullptr) return {};
  return {text->c_str(), text->size()};
}

/// Whether a text can stand where the runtime reads a C string: there, of sane length, without a NUL inside.
inline bool is_name(const flatbuffers::String* text) {
  const auto view = as_text(text);
  return !view.empty() && view.size() <= kMaxNameBytes && view.find('\0') == view.npos;
}

}  // namespace silhouette::pte
