// What the targets share: numbers out of an input's bytes, and a way to say what is wrong.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace silhouette::fuzz {

/// What a target does with one input. It returns if all is as it should be, whether or not the input is sound, and
/// calls broken() otherwise. The same bytes must always do the same, in bounded time.
void try_input(std::span<const std::byte> bytes);

/// Ends the process: the fuzzer keeps the input, a test fails.
template <typename... Args>
[[noreturn]] void broken(fmt::format_string<Args...> format, Args&&... args) {
  const std::string message = fmt::format(format, std::forward<Args>(args)...);
  std::fprintf(stderr, "fuzz: %s\n", message.c_str());
  std::abort();
}

/// Reads an input from front to back; after its end everything is 0. One call a statement: compilers order the
/// arguments of a call, and most operands, each in its own way.
class Input {
 public:
  explicit Input(std::span<const std::byte> bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::span<const std::byte> rest() const { return rest_; }
  [[nodiscard]] std::string text() const { return {reinterpret_cast<const char*>(rest_.data()), rest_.size()}; }

  unsigned byte() {
    if (rest_.empty()) return 0;
    const auto value = std::to_integer<unsigned>(rest_.front());
    rest_ = rest_.subspan(1);
    return value;
  }

  std::uint32_t word() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8U | byte();
    return value;
  }

  /// One of `count` numbers from 0 on, of at most 65536.
  unsigned below(unsigned count) {
    unsigned value = byte();
    if (count > 256) value = value << 8U | byte();
    return value % count;
  }

  int within(int low, int high) { return low + static_cast<int>(below(static_cast<unsigned>(high - low) + 1)); }

  /// True for one byte in `count`; false once the input is used up.
  bool one_in(unsigned count) { return below(count) == count - 1; }

  template <typename Range>
  const auto& pick(const Range& range) {
    return range[below(static_cast<unsigned>(std::size(range)))];
  }

 private:
  std::span<const std::byte> rest_;
};

/// Messages are shown on one line: ends the process if `text` has a control character.
inline void require_one_line(std::string_view text) {
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    if (value < 0x20 || value == 0x7f) broken("a control character, {}, in '{}'", value, text);
  }
}

}  // namespace silhouette::fuzz
