#include "image/netpbm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/image.hpp"

namespace silhouette {
namespace {

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Reader {
 public:
  Reader(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  Result<AlignedBuffer<std::byte>> prepare() {
    const char kind = text_[1];
    at_ = 2;
    const auto width = number();
    const auto height = number();
    const bool bits = kind == '1' || kind == '4';
    const auto white = bits ? std::optional<std::uint64_t>(1) : number();
    if (!width || !height || !white) return broken("its header ends early");
    if (*width < 1 || *height < 1 || *white < 1 || *white > UINT16_MAX) return broken("its header tells of no image");
    if (*width > kMaxImageSide || *height > kMaxImageSide || *width * *height > kMaxImagePixels) {
      return fail(ErrorCode::kLimitExceeded,
                  fmt::format("'{}' has {} × {} pixels; the limits are {} a side and {} million in all", name_, *width,
                              *height, kMaxImageSide, kMaxImagePixels / 1'000'000));
    }
    const std::uint64_t pixels = *width * *height;
    const std::uint64_t samples = pixels * (kind == '3' || kind == '6' ? 3 : 1);
    // One blank ends the header of binary files; what follows may look like one.
    switch (kind) {
      case '1': return of_digits(*width, *height);
      case '2':
      case '3': return count_numbers() >= samples ? nothing() : short_of(samples);
      case '4': return rest() > (*width + 7) / 8 * *height ? nothing() : short_of(pixels);
      default: return rest() > samples * (*white > UINT8_MAX ? 2 : 1) ? nothing() : short_of(samples);
    }
  }

 private:
  static Result<AlignedBuffer<std::byte>> nothing() { return AlignedBuffer<std::byte>(); }
  [[nodiscard]] std::uint64_t rest() const { return text_.size() - at_; }

  [[nodiscard]] std::unexpected<Error> broken(std::string_view what) const {
    return fail(ErrorCode::kInvalidImage,
                fmt::format("'{}' is a broken or truncated PPM image: {}; get an intact copy", name_, what));
  }
  [[nodiscard]] std::unexpected<Error> short_of(std::uint64_t samples) const {
    return broken(fmt::format("it hasn't the {} samples that its header tells of", samples));
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
      } else if (is_blank(text_[at_])) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::optional<std::uint64_t> number() {
    constexpr std::size_t kMostDigits = 10;
    skip_blanks();
    const std::size_t start = at_;
    std::uint64_t value = 0;
    while (at_ < text_.size() && is_digit(text_[at_]) && at_ - start < kMostDigits) {
      value = value * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
    }
    if (at_ == start || at_ == text_.size()) return std::nullopt;
    return value;
  }

  [[nodiscard]] std::uint64_t count_numbers() const {
    std::uint64_t numbers = 0;
    bool inside = false;
    for (std::size_t i = at_; i < text_.size(); ++i) {
      if (text_[i] == '#') i = std::min(text_.find_first_of("\r\n", i), text_.size() - 1);
      const bool digit = is_digit(text_[i]);
      numbers += digit && !inside ? 1 : 0;
      inside = digit;
    }
    return numbers;
  }

  Result<AlignedBuffer<std::byte>> of_digits(std::uint64_t width, std::uint64_t height) {
    const std::uint64_t pixels = width * height;
    if (rest() < pixels) return short_of(pixels);
    const std::string header = fmt::format("P5\n{} {}\n255\n", width, height);
    auto pgm = AlignedBuffer<std::byte>::create(header.size() + static_cast<std::size_t>(pixels), "an image");
    if (!pgm) return std::unexpected(std::move(pgm.error()));
    std::memcpy(pgm->data(), header.data(), header.size());
    std::byte* out = pgm->data() + header.size();
    for (std::uint64_t i = 0; i < pixels; ++i) {
      skip_blanks();
      if (at_ == text_.size()) return short_of(pixels);
      if (text_[at_] != '0' && text_[at_] != '1') return broken("there is something else than 0 and 1 in it");
      *out++ = text_[at_++] == '1' ? std::byte{0} : std::byte{255};
    }
    return pgm;
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t at_ = 0;
};

}  // namespace

Result<AlignedBuffer<std::byte>> prepare_netpbm(std::span<const std::byte> bytes, std::string_view name) {
  return Reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name).prepare();
}

}  // namespace silhouette
