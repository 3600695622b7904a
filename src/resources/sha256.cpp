#include "resources/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "base/file.hpp"

namespace silhouette {

Result<std::string> sha256_hex(std::span<const std::byte> bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (::EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, ::EVP_sha256(), nullptr) != 1) {
    return fail(ErrorCode::kInternal, "OpenSSL can't compute SHA-256 here");
  }
  std::string hex;
  for (const unsigned char byte : std::span(digest).first(size)) hex += fmt::format("{:02x}", byte);
  return hex;
}

Result<std::string> sha256_hex(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text)));
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path, UINT64_MAX);
  if (!file) return std::unexpected(file.error());
  return sha256_hex(file->bytes());
}

Result<std::string> normalize_sha256(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  const auto is_hex = [](unsigned char c) { return std::isxdigit(c) != 0; };
  if (text.size() != kDigits || !std::ranges::all_of(text, is_hex)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no SHA-256; it must be 64 hexadecimal digits", text.substr(0, 2 * kDigits)));
  }
  std::string normal(text);
  std::ranges::transform(normal, normal.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return normal;
}

}  // namespace silhouette
