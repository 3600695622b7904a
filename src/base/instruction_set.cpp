#include "base/instruction_set.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>

namespace silhouette {
namespace {

constexpr std::size_t kLongestShown = 40;

struct Available {
  std::array<InstructionSet, 3> sets{};
  std::size_t count = 0;

  Available() noexcept {
#ifdef __x86_64__
    // The compiler's run-time library also asks whether the system saves the registers.
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw")) {
      sets[count++] = InstructionSet::kAvx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets[count++] = InstructionSet::kAvx2;
#endif
    sets[count++] = InstructionSet::kPortable;
  }
};

std::optional<InstructionSet> available(std::string_view name) noexcept {
  for (const InstructionSet set : available_instruction_sets()) {
    if (instruction_set_name(set) == name) return set;
  }
  return std::nullopt;
}

/// Of whoever started this process, who may also have written nonsense.
std::string_view asked_for() noexcept {
  const char* const value = std::getenv("SILHOUETTE_ISA");
  return value == nullptr ? std::string_view() : value;
}

}  // namespace

std::string_view instruction_set_name(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::kPortable: return kPortableName;
    case InstructionSet::kAvx2: return "avx2";
    case InstructionSet::kAvx512: return "avx512";
  }
  return kPortableName;
}

std::span<const InstructionSet> available_instruction_sets() noexcept {
  static const Available found;
  return std::span(found.sets).first(found.count);
}

Result<InstructionSet> find_instruction_set(std::string_view name) {
  if (const auto set = available(name)) return *set;
  std::string list;
  for (const InstructionSet set : available_instruction_sets()) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", instruction_set_name(set));
  }
  std::string shown(name.substr(0, kLongestShown));
  // One line, and no half of a letter.
  for (char& c : shown) {
    if (c < ' ' || c > '~') c = '?';
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("SILHOUETTE_ISA is '{}{}'; this processor has: {}", shown,
                                                       name.size() > kLongestShown ? "…" : "", list));
}

std::optional<InstructionSet> instruction_set_limit() noexcept {
  static const std::optional<InstructionSet> limit = available(asked_for());
  return limit;
}

Result<void> check_instruction_set() {
  if (instruction_set_limit().has_value()) return {};
  const auto name = asked_for();
  if (name.empty()) return {};
  const auto found = find_instruction_set(name);
  if (found) return {};
  return std::unexpected(found.error());
}

InstructionSet best_instruction_set() noexcept {
  return instruction_set_limit().value_or(available_instruction_sets().front());
}

}  // namespace silhouette
