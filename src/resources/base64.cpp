#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "resources/source.hpp"

namespace silhouette {
namespace {

constexpr std::uint8_t kWrong = 0xFF;
constexpr std::uint8_t kSpace = 0xFE;

constexpr std::array<std::uint8_t, 256> make_table() {
  std::array<std::uint8_t, 256> table{};
  table.fill(kWrong);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  table['-'] = 62;
  table['_'] = 63;
  for (const char c : {' ', '\t', '\r', '\n', '\f', '\v'}) table[static_cast<unsigned char>(c)] = kSpace;
  return table;
}

constexpr auto kTable = make_table();

std::unexpected<Error> wrong_character(char c, std::size_t index) {
  const auto byte = static_cast<unsigned char>(c);
  const auto shown = byte > 0x20 && byte < 0x7F ? fmt::format("'{}'", c) : fmt::format("byte 0x{:02X}", byte);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("malformed base64: {} at character {} doesn't belong there", shown, index + 1));
}

}  // namespace

Result<std::vector<std::byte>> decode_base64(std::string_view text) {
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t group = 0;
  std::size_t digits = 0;
  std::size_t i = 0;
  for (; i < text.size() && text[i] != '='; ++i) {
    const std::uint8_t value = kTable[static_cast<unsigned char>(text[i])];
    if (value == kSpace) continue;
    if (value == kWrong) return wrong_character(text[i], i);
    group = group << 6 | value;
    if (++digits % 4 == 0) {
      for (const int shift : {16, 8, 0}) bytes.push_back(static_cast<std::byte>(group >> shift & 0xFF));
    }
  }
  const std::size_t rest = digits % 4;
  if (rest == 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("malformed base64: it ends after character {} in the middle of a byte", i));
  }
  if (rest >= 2) bytes.push_back(static_cast<std::byte>((rest == 2 ? group >> 4 : group >> 10) & 0xFF));
  if (rest == 3) bytes.push_back(static_cast<std::byte>(group >> 2 & 0xFF));

  const std::size_t padding_at = i;
  std::size_t padding = 0;
  for (; i < text.size(); ++i) {
    if (kTable[static_cast<unsigned char>(text[i])] == kSpace) continue;
    if (text[i] != '=') return wrong_character(text[i], i);
    ++padding;
  }
  const std::size_t due = rest == 0 ? 0 : 4 - rest;
  if (padding != 0 && padding != due) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("malformed base64: {} '=' from character {} on where {} belong", padding, padding_at + 1, due));
  }
  return bytes;
}

}  // namespace silhouette
