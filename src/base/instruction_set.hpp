#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "silhouette/error.hpp"

namespace silhouette {

/// What code is compiled for, each with all of those before it.
enum class InstructionSet : std::uint8_t { kPortable, kAvx2, kAvx512 };

/// That of kPortable: WebAssembly has two, of which one is compiled for.
inline constexpr const char* kPortableName =
#if defined(__wasm_relaxed_simd__)
    "wasm-relaxed-simd";
#elif defined(__wasm__)
    "wasm-simd128";
#else
    "portable";
#endif

/// kPortableName, "avx2", "avx512".
[[nodiscard]] std::string_view instruction_set_name(InstructionSet set) noexcept;

/// What this processor has, best first; the last is kPortable.
[[nodiscard]] std::span<const InstructionSet> available_instruction_sets() noexcept;

/// The one of that name. kInvalidArgument if there is none, or this processor hasn't got it.
[[nodiscard]] Result<InstructionSet> find_instruction_set(std::string_view name);

/// What the environment's SILHOUETTE_ISA, as it was when first asked for, is the name of: nothing better may run.
/// Nothing if it is empty or isn't there, or no good, which `check_instruction_set` tells of.
[[nodiscard]] std::optional<InstructionSet> instruction_set_limit() noexcept;
Result<void> check_instruction_set();

/// The limit, or the best.
[[nodiscard]] InstructionSet best_instruction_set() noexcept;

}  // namespace silhouette
