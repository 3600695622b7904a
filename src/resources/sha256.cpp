#include "resources/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <memory>

#include "base/file.hpp"

namespace silhouette {

namespace {

class Sha256 {
 public:
  Sha256() : context_(::EVP_MD_CTX_new()), sound_(context_ && ::EVP_DigestInit(context_.get(), ::EVP_sha256()) == 1) {}

  void add(std::span<const std::byte> bytes) {
    sound_ = sound_ && ::EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }

  Result<std::string> hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (!sound_ || ::EVP_DigestFinal(context_.get(), digest.data(), &size) != 1) {
      return fail(ErrorCode::kInternal, "OpenSSL can't compute SHA-256 here");
    }
    std::string text;
    for (const unsigned char byte : std::span(digest).first(size)) text += fmt::format("{:02x}", byte);
    return text;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { ::EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool sound_;
};

}  // namespace

Result<std::string> sha256_hex(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

Result<std::string> sha256_hex(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text)));
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
  Sha256 hash;
  const auto read = read_blocks(path, UINT64_MAX, [&](std::span<const std::byte> block) { hash.add(block); });
  if (!read) return std::unexpected(read.error());
  return hash.hex();
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
