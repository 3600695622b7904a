#include "json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace silhouette::cli {
namespace {

/// Bytes of the UTF-8 sequence that text begins with; 0 if it isn't well-formed (Unicode, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  // Too long forms, surrogates and what lies above U+10FFFF show in the second byte.
  const unsigned least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < least || byte(1) > most) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

/// The shortest text that is read back as the same number, and always as one with a fraction.
template <typename T>
std::string number_text(T value) {
  if (!std::isfinite(value)) return "null";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const char c = text.front();
    if (length == 0) {
      result += "\uFFFD";
    } else if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(result), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result + '"';
}

Json::Json(float value) : text_(number_text(value)) {}
Json::Json(double value) : text_(number_text(value)) {}
Json::Json(std::string_view value) : text_(json_string(value)) {}

Json::Json(std::initializer_list<Member> members) : kind_(Kind::kObject) {
  for (const Member& member : members) set(member.name, member.value);
}

Json Json::array() {
  Json value;
  value.kind_ = Kind::kArray;
  return value;
}

Json Json::object() {
  Json value;
  value.kind_ = Kind::kObject;
  return value;
}

void Json::set(std::string_view name, Json value) {
  names_.push_back(json_string(name));
  items_.push_back(std::move(value));
}

void Json::append(std::string& text, std::optional<std::size_t> indent) const {
  if (kind_ == Kind::kPlain) {
    text += text_;
    return;
  }
  constexpr std::size_t kStep = 2;
  const auto new_line = [&](std::size_t columns) {
    if (indent) text.append("\n").append(columns, ' ');
  };
  const auto inner = indent ? std::optional(*indent + kStep) : std::nullopt;
  text += kind_ == Kind::kArray ? '[' : '{';
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (i > 0) text += ',';
    new_line(inner.value_or(0));
    if (kind_ == Kind::kObject) text.append(names_[i]).append(indent ? ": " : ":");
    items_[i].append(text, inner);
  }
  if (!items_.empty()) new_line(indent.value_or(0));
  text += kind_ == Kind::kArray ? ']' : '}';
}

std::string Json::line() const {
  std::string text;
  append(text, std::nullopt);
  return text + "\n";
}

std::string Json::indented() const {
  std::string text;
  append(text, 0);
  return text + "\n";
}

}  // namespace silhouette::cli
