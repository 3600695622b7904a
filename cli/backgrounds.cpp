#include "backgrounds.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "format.hpp"
#include "silhouette/image_source.hpp"

namespace silhouette::cli {
namespace {

constexpr std::size_t kShownName = 120;
constexpr std::string_view kBlur = "blur";

using Rgb = std::array<std::uint8_t, 3>;

/// The sixteen names that every browser has known from the first (HTML 3.2).
constexpr std::array<std::pair<std::string_view, Rgb>, 17> kColors{{{"black", {0, 0, 0}},
                                                                    {"silver", {192, 192, 192}},
                                                                    {"gray", {128, 128, 128}},
                                                                    {"grey", {128, 128, 128}},
                                                                    {"white", {255, 255, 255}},
                                                                    {"maroon", {128, 0, 0}},
                                                                    {"red", {255, 0, 0}},
                                                                    {"purple", {128, 0, 128}},
                                                                    {"fuchsia", {255, 0, 255}},
                                                                    {"green", {0, 128, 0}},
                                                                    {"lime", {0, 255, 0}},
                                                                    {"olive", {128, 128, 0}},
                                                                    {"yellow", {255, 255, 0}},
                                                                    {"navy", {0, 0, 128}},
                                                                    {"blue", {0, 0, 255}},
                                                                    {"teal", {0, 128, 128}},
                                                                    {"aqua", {0, 255, 255}}}};

/// "#f80" or "#ff8800".
std::optional<Rgb> hexadecimal(std::string_view text) {
  if (!text.starts_with('#') || (text.size() != 4 && text.size() != 7)) return std::nullopt;
  const std::size_t digits = text.size() / 3;
  Rgb color{};
  for (std::size_t c = 0; c < 3; ++c) {
    const std::string_view part = text.substr(1 + c * digits, digits);
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), color[c], 16);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
    if (digits == 1) color[c] = static_cast<std::uint8_t>(color[c] * 17);
  }
  return color;
}

Background of(const Rgb& color) {
  return Background::color(color[0], color[1], color[2]);
}

Result<Background> blur(std::string_view share) {
  double value = 0;
  const auto [end, error] = std::from_chars(share.data(), share.data() + share.size(), value);
  if (error == std::errc() && end == share.data() + share.size() && value > 0 && value <= 1)
    return Background::blur(value);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--background blur:{}: give a share of the longer side above 0 and at most 1, as blur:0.03",
                          shorten(share, kShownName)));
}

}  // namespace

std::optional<std::string> background_file(const std::string& text) {
  if (text.starts_with('#') || text == kBlur || text.starts_with("blur:") || text == "transparent") return std::nullopt;
  for (const auto& [name, color] : kColors) {
    if (lower(text) == name) return std::nullopt;
  }
  const auto source = describe_source(text);
  if (!source || source->path.empty()) return std::nullopt;
  return source->path;
}

Result<Background> parse_background(const std::string& text) {
  if (text == "transparent") return Background();
  if (text == kBlur) return Background::blur();
  if (text.starts_with("blur:")) return blur(std::string_view(text).substr(kBlur.size() + 1));
  if (text.starts_with('#')) {
    if (const auto color = hexadecimal(text)) return of(*color);
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--background {}: a colour is written #rgb or #rrggbb", shorten(text, kShownName)));
  }
  for (const auto& [name, color] : kColors) {
    if (lower(text) == name) return of(color);
  }
  if (const auto file = background_file(text)) {
    std::error_code error;
    if (!std::filesystem::exists(*file, error) && !error) {
      return fail(
          ErrorCode::kFileNotFound,
          fmt::format("--background '{}': there is no such file, and it is no colour; give #rrggbb, a name such as "
                      "white, blur, or an image",
                      shorten(text, kShownName)));
    }
  }
  return Background::image(ImageSource(text));
}

}  // namespace silhouette::cli
