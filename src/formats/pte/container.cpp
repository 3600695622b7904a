#include "formats/pte/container.hpp"

#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "base/checked.hpp"
#include "formats/pte/flat.hpp"
#include "formats/pte/limits.hpp"
#include "program_generated.h"

namespace silhouette::pte {
namespace {

namespace fb = executorch_flatbuffer;

// Layout of the head of the file; all numbers are little-endian.
constexpr std::size_t kHeadBytes = 64;  // what the runtime reads before anything else
constexpr std::size_t kIdentifierOffset = 4;
constexpr std::size_t kMagicOffset = 8;
constexpr std::size_t kLengthOffset = 12;
constexpr std::size_t kProgramSizeOffset = 16;
constexpr std::size_t kSegmentBaseOffset = 24;
constexpr std::size_t kSegmentSizeOffset = 32;
constexpr std::uint32_t kMinHeaderLength = 24;
constexpr std::uint32_t kHeaderLengthWithSegmentSize = 32;

template <typename T>
T read_little_endian(Bytes file, std::size_t offset) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(std::to_integer<T>(file[offset + i]) << (8 * i));
  }
  return value;
}

std::string_view text_at(Bytes file, std::size_t offset, std::size_t size) {
  return {reinterpret_cast<const char*>(file.data()) + offset, size};
}

struct Header {
  std::uint64_t program_size = 0;
  std::uint64_t segment_base = 0;  // 0: the file has no segments
};

Outcome<Header> read_header(Bytes file, const Messages& messages) {
  if (file.empty()) return messages.of_another_kind("it is empty");
  if (file.size() < kHeadBytes) return messages.of_another_kind(fmt::format("it has only {} bytes", file.size()));
  if (text_at(file, kIdentifierOffset, 4) != fb::ProgramIdentifier()) {
    return messages.of_another_kind(fmt::format("bytes 4 to 7 are \"{}\", not \"{}\"",
                                                printable(text_at(file, kIdentifierOffset, 4)),
                                                fb::ProgramIdentifier()));
  }
  Header header{.program_size = file.size(), .segment_base = 0};
  if (text_at(file, kMagicOffset, 4) != "eh00") return header;

  const auto length = read_little_endian<std::uint32_t>(file, kLengthOffset);
  if (length < kMinHeaderLength || length > kHeadBytes) {
    return messages.damaged(fmt::format("the header's length is given as {}", length));
  }
  header.program_size = read_little_endian<std::uint64_t>(file, kProgramSizeOffset);
  header.segment_base = read_little_endian<std::uint64_t>(file, kSegmentBaseOffset);
  if (header.program_size < kHeadBytes || header.program_size > file.size()) {
    return messages.damaged(
        fmt::format("the header tells of a program of {} bytes, but the file has {}; it may be cut off",
                    header.program_size, file.size()));
  }
  if (header.segment_base != 0 && (header.segment_base < header.program_size || header.segment_base > file.size() ||
                                   header.segment_base % kFileAlignment != 0)) {
    return messages.damaged(fmt::format("the header puts the segments at byte {} of {}; it may be cut off",
                                        header.segment_base, file.size()));
  }
  if (length >= kHeaderLengthWithSegmentSize) {
    const auto segment_size = read_little_endian<std::uint64_t>(file, kSegmentSizeOffset);
    if (!in_range<std::uint64_t>(header.segment_base, segment_size, file.size())) {
      return messages.damaged(
          fmt::format("the header tells of {} bytes of segments from byte {}, but the file has {}; it is cut off",
                      segment_size, header.segment_base, file.size()));
    }
  }
  return header;
}

Status read_segments(Bytes file, const Header& header, Container& container, const Messages& messages) {
  const auto* const table = container.program->segments();
  if (count(table) > kMaxSegments) return messages.too_large(fmt::format("it has {} segments", count(table)));
  for (std::size_t i = 0; i < count(table); ++i) {
    const auto* const entry = table->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (entry->size() == 0) {
      // Of a network without constants, for which exporters write no header either.
      container.segments.emplace_back();
      continue;
    }
    if (header.segment_base == 0) return messages.damaged("it has segments but no header that tells where");
    const auto start = checked_add(header.segment_base, entry->offset());
    if (!start || !in_range<std::uint64_t>(*start, entry->size(), file.size())) {
      return messages.damaged(fmt::format("segment {} ({} bytes at {}) is outside the file of {} bytes", i,
                                          entry->size(), entry->offset(), file.size()));
    }
    if (*start % kFileAlignment != 0) {
      return messages.damaged(fmt::format("segment {} is misaligned at {}", i, entry->offset()));
    }
    container.segments.push_back(
        file.subspan(static_cast<std::size_t>(*start), static_cast<std::size_t>(entry->size())));
    container.weight_bytes += entry->size();
  }
  return {};
}

Status read_named_data(Container& container, const Messages& messages) {
  const auto* const table = container.program->named_data();
  if (table == nullptr) return {};
  if (container.program->segments() == nullptr) return messages.damaged("it has named data but no segments");
  for (std::size_t i = 0; i < table->size(); ++i) {
    const auto* const entry = table->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (!is_name(entry->key())) return messages.damaged(fmt::format("named data {} has no proper key", i));
    if (entry->segment_index() >= container.segments.size()) {
      return messages.damaged(
          fmt::format("named data {} is in segment {} of {}", i, entry->segment_index(), container.segments.size()));
    }
    if (!container.named_data.emplace(as_text(entry->key()), container.segments[entry->segment_index()]).second) {
      return messages.damaged(fmt::format("named data {} has the key of another one", i));
    }
  }
  return {};
}

/// A table of offsets into one segment.
Status read_offsets(const fb::SubsegmentOffsets& table, std::string_view what, const Container& container,
                    Bytes& segment, std::vector<std::uint64_t>& offsets, const Messages& messages) {
  if (table.segment_index() >= container.segments.size()) {
    return messages.damaged(
        fmt::format("the {} are in segment {} of {}", what, table.segment_index(), container.segments.size()));
  }
  segment = container.segments[table.segment_index()];
  const auto given = as_wide_span(table.offsets());
  if (!given) return messages.damaged(fmt::format("the offsets of the {} are misaligned", what));
  for (const std::uint64_t offset : *given) {
    if (offset > segment.size()) {
      return messages.damaged(
          fmt::format("an offset of the {} is {} in a segment of {} bytes", what, offset, segment.size()));
    }
    offsets.push_back(offset);
  }
  return {};
}

Status read_constants(Container& container, const Messages& messages) {
  const auto& program = *container.program;
  for (std::size_t i = 0; i < count(program.constant_buffer()); ++i) {
    const auto* const entry = program.constant_buffer()->Get(static_cast<flatbuffers::uoffset_t>(i));
    container.inline_constants.push_back(as_bytes(entry->storage()));
    container.weight_bytes += container.inline_constants.back().size();
  }
  for (std::size_t i = 0; i < count(program.backend_delegate_data()); ++i) {
    const auto* const entry = program.backend_delegate_data()->Get(static_cast<flatbuffers::uoffset_t>(i));
    container.inline_delegates.push_back(as_bytes(entry->data()));
    container.weight_bytes += container.inline_delegates.back().size();
  }
  const auto* const constants = program.constant_segment();
  // The first offset stands for "no constant"; a table with nothing else needs no segment.
  if (constants != nullptr && count(constants->offsets()) > 1) {
    if (!container.inline_constants.empty()) return messages.damaged("it has constants both inline and in a segment");
    if (auto ok = read_offsets(*constants, "constants", container, container.constant_segment,
                               container.constant_offsets, messages);
        !ok) {
      return ok;
    }
  }
  const auto* const mutables = program.mutable_data_segments();
  if (count(mutables) > 0) {
    return read_offsets(*mutables->Get(0), "initial values", container, container.mutable_segment,
                        container.mutable_offsets, messages);
  }
  return {};
}

}  // namespace

Outcome<Container> open_container(Bytes file, const Messages& messages) {
  auto header = read_header(file, messages);
  if (!header) return forward_error(std::move(header));
  if (header->program_size > kMaxFlatbufferBytes) return messages.too_large("its program table has over 2 GiB");

  const auto* const head = reinterpret_cast<const std::uint8_t*>(file.data());
  flatbuffers::Verifier verifier(head, static_cast<std::size_t>(header->program_size));
  if (!fb::VerifyProgramBuffer(verifier)) return messages.damaged("its program table is broken");

  Container container;
  container.program = fb::GetProgram(head);
  if (auto ok = read_segments(file, *header, container, messages); !ok) return forward_error(std::move(ok));
  if (auto ok = read_named_data(container, messages); !ok) return forward_error(std::move(ok));
  if (auto ok = read_constants(container, messages); !ok) return forward_error(std::move(ok));
  return container;
}

}  // namespace silhouette::pte
