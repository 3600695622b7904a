#include "npy.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <string>
#include <string_view>

#include "files.hpp"

namespace silhouette::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "the arrays are written as they are in memory, as '<'");

std::string npy_header(std::string_view type, int height, int width) {
  std::string dictionary =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}, {}), }}", type, height, width);
  // The data begin at a multiple of 64, and a line feed ends the header.
  constexpr std::size_t kPrefix = 10;
  const std::size_t end = (kPrefix + dictionary.size() + 1 + 63) / 64 * 64;
  dictionary.append(end - kPrefix - dictionary.size() - 1, ' ').push_back('\n');
  std::string header("\x93NUMPY\x01\x00", 8);
  header.push_back(static_cast<char>(dictionary.size() & 0xFFU));
  header.push_back(static_cast<char>(dictionary.size() >> 8U));
  return header + dictionary;
}

Result<void> write(const std::filesystem::path& path, std::string_view type, std::span<const std::byte> values,
                   int height, int width) {
  const std::string header = npy_header(type, height, width);
  return write_file(path, std::array{std::as_bytes(std::span(header)), values});
}

}  // namespace

Result<void> write_npy(const std::filesystem::path& path, std::span<const std::int32_t> values, int height, int width) {
  return write(path, "<i4", std::as_bytes(values), height, width);
}

Result<void> write_npy(const std::filesystem::path& path, std::span<const float> values, int height, int width) {
  return write(path, "<f4", std::as_bytes(values), height, width);
}

}  // namespace silhouette::cli
