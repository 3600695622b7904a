#include "synthesize/synthesize.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "base/hash_random.hpp"

namespace silhouette::tools {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "floats are stored little-endian");

constexpr std::string_view kMagic = "SILSKEL1";
constexpr std::size_t kHeaderSize = kMagic.size() + sizeof(std::uint32_t);

struct Parts {
  Json manifest;
  std::span<const std::byte> kept;  ///< what follows the manifest
};

std::unexpected<std::string> failure(std::string message) {
  return std::unexpected(std::move(message));
}

std::expected<Parts, std::string> split(std::span<const std::byte> skeleton) {
  if (skeleton.size() < kHeaderSize || std::memcmp(skeleton.data(), kMagic.data(), kMagic.size()) != 0) {
    return failure("this is not a skeleton: it does not begin with SILSKEL1");
  }
  std::uint32_t length = 0;
  std::memcpy(&length, skeleton.data() + kMagic.size(), sizeof length);
  const auto rest = skeleton.subspan(kHeaderSize);
  if (length > rest.size()) return failure("the skeleton ends within its manifest");
  const auto text = rest.first(length);
  const auto* begin = reinterpret_cast<const char*>(text.data());
  auto manifest = Json::parse(begin, begin + text.size(), nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object()) return failure("the skeleton's manifest is not a JSON object");
  return Parts{std::move(manifest), rest.subspan(length)};
}

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> number(const Json& object, const char* key) {
  const auto* value = member(object, key);
  if (value == nullptr || !value->is_number_unsigned()) return std::nullopt;
  return *value->get_ptr<const Json::number_unsigned_t*>();
}

std::string_view text(const Json& object, const char* key) {
  const auto* value = member(object, key);
  if (value == nullptr || !value->is_string()) return {};
  return *value->get_ptr<const Json::string_t*>();
}

/// Seeds use all 64 bits, which many JSON readers would round, so they are written as decimal strings.
std::optional<std::uint64_t> decimal(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    if (__builtin_mul_overflow(value, 10U, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, static_cast<unsigned>(c - '0'), &value)) return std::nullopt;
  }
  return value;
}

struct Filter {
  std::uint64_t seed = 0;
  std::size_t count = 0;
  std::size_t channels = 0;
  bool channel_major = true;
  std::span<const std::byte> gains;  ///< `channels` float32, not aligned
};

std::expected<Filter, std::string> read_filter(const Json& entry, std::span<const std::byte> kept) {
  const auto seed = decimal(text(entry, "seed"));
  const auto count = number(entry, "count");
  const auto channels = number(entry, "channels");
  const auto gain_offset = number(entry, "gain_offset");
  const auto layout = text(entry, "layout");
  if (!seed || !count || !channels || !gain_offset) {
    return failure("a filter needs seed, count, channels and gain_offset");
  }
  if (layout != "channel_major" && layout != "channel_minor") {
    return failure("a filter's layout must be channel_major or channel_minor");
  }
  if (*count == 0 || *count > kMaxSynthesizedSize / sizeof(float)) return failure("a filter's count is out of range");
  if (*channels == 0 || *channels > *count || *count % *channels != 0) {
    return failure("a filter's count must be a multiple of its channels");
  }
  // channels <= count, which was checked above, so the product cannot overflow.
  const std::uint64_t gain_bytes = *channels * sizeof(float);
  if (*gain_offset > kept.size() || gain_bytes > kept.size() - *gain_offset) {
    return failure("a filter's gains lie outside the skeleton");
  }
  return Filter{*seed, *count, *channels, layout == "channel_major", kept.subspan(*gain_offset, gain_bytes)};
}

float gain_at(const Filter& filter, std::size_t channel) {
  float gain = 0;
  std::memcpy(&gain, filter.gains.data() + channel * sizeof gain, sizeof gain);
  return gain;
}

void generate(const Filter& filter, std::byte* out) {
  // Through a buffer, because a filter need not be aligned in the file.
  std::array<float, 4096> buffer;
  std::size_t within = 0;  // position within the channel (major) or the channel itself (minor)
  std::size_t channel = 0;
  const std::size_t per_channel = filter.count / filter.channels;
  for (std::size_t done = 0; done < filter.count;) {
    const std::size_t n = std::min(buffer.size(), filter.count - done);
    for (std::size_t i = 0; i < n; ++i) {
      buffer[i] = gain_at(filter, channel) * hash_random(filter.seed, done + i);
      if (!filter.channel_major) {
        if (++channel == filter.channels) channel = 0;
      } else if (++within == per_channel) {
        within = 0;
        ++channel;
      }
    }
    std::memcpy(out + done * sizeof(float), buffer.data(), n * sizeof(float));
    done += n;
  }
}

}  // namespace

std::expected<SkeletonInfo, std::string> read_skeleton_info(std::span<const std::byte> skeleton) {
  const auto parts = split(skeleton);
  if (!parts) return std::unexpected(parts.error());
  const auto& manifest = parts->manifest;
  const auto size = number(manifest, "size");
  if (!size) return failure("the manifest has no size");
  if (*size > kMaxSynthesizedSize) return failure("the skeleton describes a file of more than 1 GiB");
  SkeletonInfo info{.name = std::string(text(manifest, "name")),
                    .exporter = std::string(text(manifest, "exporter")),
                    .golden = std::string(text(manifest, "golden")),
                    .sha256 = std::string(text(manifest, "sha256")),
                    .size = *size,
                    .input = {}};
  if (const auto* input = member(manifest, "input"); input != nullptr && input->is_array()) {
    for (const auto& side : *input) {
      if (!side.is_number_unsigned()) return failure("the manifest's input shape must hold whole numbers");
      info.input.push_back(*side.get_ptr<const Json::number_unsigned_t*>());
    }
  }
  return info;
}

std::expected<std::vector<std::byte>, std::string> synthesize(std::span<const std::byte> skeleton) {
  const auto info = read_skeleton_info(skeleton);
  if (!info) return std::unexpected(info.error());
  const auto parts = split(skeleton);
  if (!parts) return std::unexpected(parts.error());
  const auto* pieces = member(parts->manifest, "pieces");
  if (pieces == nullptr || !pieces->is_array()) return failure("the manifest has no pieces");

  // Everything is checked before anything large is allocated.
  std::vector<std::pair<std::span<const std::byte>, std::optional<Filter>>> plan;
  auto raw = parts->kept;
  std::uint64_t total = 0;
  for (const auto& piece : *pieces) {
    std::uint64_t size = 0;
    if (const auto bytes = number(piece, "raw")) {
      if (*bytes > raw.size()) return failure("the kept bytes end too early");
      size = *bytes;
      plan.emplace_back(raw.first(*bytes), std::nullopt);
      raw = raw.subspan(*bytes);
    } else if (const auto* entry = member(piece, "filter")) {
      auto filter = read_filter(*entry, parts->kept);
      if (!filter) return std::unexpected(filter.error());
      size = std::uint64_t{filter->count} * sizeof(float);
      plan.emplace_back(std::span<const std::byte>{}, *filter);
    } else {
      return failure("a piece must be raw or a filter");
    }
    total += size;  // both are at most 1 GiB here
    if (total > info->size) return failure("the pieces are longer than the size in the manifest");
  }
  if (total != info->size) return failure("the pieces are shorter than the size in the manifest");

  std::vector<std::byte> file(total);
  std::byte* out = file.data();
  for (const auto& [bytes, filter] : plan) {
    if (filter) {
      generate(*filter, out);
      out += filter->count * sizeof(float);
    } else if (!bytes.empty()) {
      std::memcpy(out, bytes.data(), bytes.size());
      out += bytes.size();
    }
  }
  return file;
}

}  // namespace silhouette::tools
