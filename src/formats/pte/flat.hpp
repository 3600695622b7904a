#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "formats/pte/limits.hpp"

namespace silhouette::pte {

/// The bytes of a FlatBuffers vector of bytes; empty for a missing one.
inline std::span<const std::byte> as_bytes(const flatbuffers::Vector<std::uint8_t>* vector) {
  if (vector == nullptr) return {};
  return std::as_bytes(std::span(vector->data(), vector->size()));
}

/// A FlatBuffers vector of numbers; empty for a missing one.
template <typename T>
std::span<const T> as_span(const flatbuffers::Vector<T>* vector) {
  if (vector == nullptr) return {};
  return {vector->data(), vector->size()};
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
