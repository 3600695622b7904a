#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace silhouette::cli {

/// A value to be written as JSON. Members of objects stay in the order in which they are given here, which is the
/// order that people read them in. Texts needn't be UTF-8 (paths and labels); what isn't becomes U+FFFD.
class Json {
 public:
  struct Member;

  Json() : text_("null") {}
  Json(std::same_as<bool> auto value) : text_(value ? "true" : "false") {}  // NOLINT(google-explicit-constructor)
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Json(T value) : text_(std::to_string(value)) {}                    // NOLINT(google-explicit-constructor)
  Json(float value);                                                 // NOLINT(google-explicit-constructor)
  Json(double value);                                                // NOLINT(google-explicit-constructor)
  Json(std::string_view value);                                      // NOLINT(google-explicit-constructor)
  Json(const std::string& value) : Json(std::string_view(value)) {}  // NOLINT(google-explicit-constructor)
  Json(const char* value) : Json(std::string_view(value)) {}         // NOLINT(google-explicit-constructor)
  /// An object.
  Json(std::initializer_list<Member> members);
  /// An array.
  template <std::ranges::input_range R>
    requires(!std::convertible_to<const R&, std::string_view> && !std::same_as<R, Json>)
  Json(const R& values) : kind_(Kind::kArray) {  // NOLINT(google-explicit-constructor)
    for (const auto& value : values) items_.emplace_back(value);
  }
  static Json array();
  static Json object();

  void push_back(Json value) { items_.push_back(std::move(value)); }
  /// Adds a member to an object.
  void set(std::string_view name, Json value);

  /// One line, with a line feed at the end.
  [[nodiscard]] std::string line() const;
  /// The same indented, for commands that print one value.
  [[nodiscard]] std::string indented() const;

 private:
  enum class Kind : std::uint8_t { kPlain, kArray, kObject };
  void append(std::string& text, std::optional<std::size_t> indent) const;

  Kind kind_ = Kind::kPlain;
  std::string text_;                ///< of a plain value, as it is written
  std::vector<std::string> names_;  ///< of an object's items, as they are written
  std::vector<Json> items_;
};

struct Json::Member {
  std::string_view name;
  Json value;
};

/// Text as JSON has it, with its quotes.
std::string json_string(std::string_view text);

}  // namespace silhouette::cli
