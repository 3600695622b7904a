#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace silhouette::wasm {

// How values travel between JavaScript and the exports: one after the other, 32 bits each, little-endian; numbers that
// may be no integers as 64 bits, texts and lists as their number of bytes or items and then those, filled up to 32
// bits. src/wasm/wire.ts of the npm package is the other side.

/// Reads what JavaScript wrote. Throws std::out_of_range behind the end: a defect of the other side.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  std::uint32_t number() { return read<std::uint32_t>(); }
  std::int32_t integer() { return read<std::int32_t>(); }
  double real() { return read<double>(); }
  bool flag() { return number() != 0; }

  std::string_view text() {
    const auto bytes = take(number());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::vector<std::string> texts() {
    std::vector<std::string> list(number_of(sizeof(std::uint32_t)));
    for (std::string& one : list) one = text();
    return list;
  }
  std::vector<int> integers() {
    std::vector<int> list(number_of(sizeof(std::int32_t)));
    for (int& one : list) one = integer();
    return list;
  }
  /// Of memory that JavaScript has filled: where it begins, and how many of T there are; an empty one begins at 0.
  template <typename T>
  std::span<const T> memory() {
    const auto address = static_cast<std::uintptr_t>(number());
    const std::size_t count = number();
    return {reinterpret_cast<const T*>(address), count};
  }

 private:
  /// Items that are still to be read, none smaller than `least` bytes.
  std::size_t number_of(std::size_t least) {
    const std::size_t count = number();
    if (count > bytes_.size() / least) throw std::out_of_range("a list is longer than its message");
    return count;
  }
  std::span<const std::byte> take(std::size_t count) {
    if (count > bytes_.size()) throw std::out_of_range("a message ends too early");
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(std::min(bytes_.size(), (count + 3) / 4 * 4));
    return taken;
  }
  template <typename T>
  T read() {
    T value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::span<const std::byte> bytes_;
};

/// Writes what JavaScript reads.
class Writer {
 public:
  void number(std::uint32_t value) { add(&value, sizeof value); }
  void integer(std::int64_t value) { number(static_cast<std::uint32_t>(value)); }
  void real(double value) { add(&value, sizeof value); }
  void text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    add(value.data(), value.size());
  }
  template <typename List>
  void texts(const List& list) {
    number(static_cast<std::uint32_t>(list.size()));
    for (const auto& one : list) text(one);
  }
  template <typename T>
  void items(std::span<const T> list) {
    number(static_cast<std::uint32_t>(list.size()));
    add(list.data(), list.size_bytes());
  }
  /// As Reader::memory: that of ours, which stays where it is.
  template <typename T>
  void memory(std::span<const T> list) {
    number(static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(list.data())));
    number(static_cast<std::uint32_t>(list.size()));
  }

  void clear() noexcept { bytes_.clear(); }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  void add(const void* data, std::size_t size) {
    const auto* const from = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
  }

  std::vector<std::byte> bytes_;
};

}  // namespace silhouette::wasm
