#include "support/support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <png.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <stdexcept>

#include "base/file.hpp"

namespace silhouette::test {
namespace {

template <typename T>
Npy<T> read_npy(const std::filesystem::path& path, std::string_view descr) {
  const auto bytes = read_bytes(path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < 10 || text.substr(0, 6) != std::string_view("\x93NUMPY", 6) || text[6] != 1) {
    throw std::runtime_error(path.string() + ": not a version 1 .npy file");
  }
  const std::size_t header_size = static_cast<std::uint8_t>(text[8]) + 256U * static_cast<std::uint8_t>(text[9]);
  const auto header = text.substr(10, header_size);
  if (header.find(descr) == header.npos || header.find("'fortran_order': False") == header.npos) {
    throw std::runtime_error(fmt::format("{}: not a C-order {} array: {}", path.string(), descr, header));
  }
  Npy<T> array;
  std::size_t count = 1;
  const auto open = header.find('(');
  std::string dims(header.substr(open + 1, header.find(')') - open - 1));
  for (char* at = dims.data(); *at != '\0';) {
    char* end = nullptr;
    const auto dim = std::strtoull(at, &end, 10);
    if (end == at) break;
    array.shape.push_back(dim);
    count *= dim;
    at = end + std::strspn(end, ", ");
  }
  const auto body = text.substr(10 + header_size);
  if (body.size() != count * sizeof(T)) throw std::runtime_error(path.string() + ": wrong length");
  array.values.resize(count);
  std::memcpy(array.values.data(), body.data(), body.size());
  return array;
}

}  // namespace

std::filesystem::path source_file(std::string_view relative) {
  return std::filesystem::path(SILHOUETTE_SOURCE_DIR) / relative;
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  auto bytes = read_file(path, UINT64_MAX);
  if (!bytes) throw std::runtime_error(bytes.error().message);
  return std::move(*bytes);
}

ScratchFolder::ScratchFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "silhouette-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("can't make a scratch folder in " + pattern);
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Npy<float> read_npy_float(const std::filesystem::path& path) {
  return read_npy<float>(path, "'<f4'");
}
Npy<std::int32_t> read_npy_int32(const std::filesystem::path& path) {
  return read_npy<std::int32_t>(path, "'<i4'");
}

GrayPng read_gray_png(const std::filesystem::path& path) {
  // libpng reports errors by longjmp; these files are the tests' own, so one jump target around plain data is enough.
  const auto bytes = read_bytes(path);
  GrayPng image;
  std::vector<std::uint8_t> row;
  std::span<const std::byte> rest(bytes);
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    throw std::runtime_error(path.string() + ": not a sound PNG");
  }
  png_set_read_fn(png, &rest, [](png_structp reader, png_bytep out, png_size_t count) {
    auto& left = *static_cast<std::span<const std::byte>*>(png_get_io_ptr(reader));
    if (left.size() < count) png_error(reader, "truncated");
    std::memcpy(out, left.data(), count);
    left = left.subspan(count);
  });
  png_read_info(png, info);
  if (png_get_color_type(png, info) != PNG_COLOR_TYPE_GRAY && png_get_color_type(png, info) != PNG_COLOR_TYPE_PALETTE) {
    png_error(png, "not grey");
  }
  image.width = static_cast<int>(png_get_image_width(png, info));
  image.height = static_cast<int>(png_get_image_height(png, info));
  const bool wide = png_get_bit_depth(png, info) == 16;
  if (png_get_bit_depth(png, info) < 8) png_set_packing(png);
  row.resize(png_get_rowbytes(png, info) + static_cast<std::size_t>(image.width));
  for (int y = 0; y < image.height; ++y) {
    png_read_row(png, row.data(), nullptr);
    for (std::size_t x = 0; x < static_cast<std::size_t>(image.width); ++x) {
      image.values.push_back(wide ? static_cast<std::uint16_t>(row[2 * x] << 8 | row[2 * x + 1]) : row[x]);
    }
  }
  png_destroy_read_struct(&png, &info, nullptr);
  return image;
}

std::string encode_base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<std::uint32_t>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : kAlphabet[group >> (18 - 6 * k) & 63U];
  }
  return text;
}

std::uint64_t test_seed() {
  static const std::uint64_t seed = [] {
    const char* const text = std::getenv("SILHOUETTE_TEST_SEED");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device{}();
  }();
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  fmt::print("random seed {}; SILHOUETTE_TEST_SEED={} replays this run\n", seed, seed);
  return seed;
}

}  // namespace silhouette::test
