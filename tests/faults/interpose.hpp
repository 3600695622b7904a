#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// This program's own malloc, mmap and pthread_create stand before the C library's, for every library in the process
/// (operator new and C's functions ask malloc, too), and refuse what they are told to.
namespace silhouette::test::faults {

enum class Mode : std::uint8_t {
  kOnce,       ///< one request is refused
  kFromThenOn  ///< and all after it
};

/// The request number `at`, counted from 1 and over all threads, is refused from here on. 0: none, requests are
/// counted.
void arm(long at, Mode mode);
void disarm();

/// For what a test needs for itself between arm and disarm: nothing is refused to this thread.
class Spared {
 public:
  Spared();
  Spared(const Spared&) = delete;
  Spared& operator=(const Spared&) = delete;
  ~Spared();
};

/// Requests for memory since arm.
[[nodiscard]] long requests();

/// Threads that pthread_create still gives; others are refused. Below 0: any number.
void allow_threads(int count);

/// Threads that were refused.
[[nodiscard]] long refused_threads();

/// What is held at the moment: blocks, and bytes of maps. What the dynamic linker holds for threads isn't counted.
struct Held {
  std::int64_t blocks = 0;
  std::int64_t mapped = 0;
  bool operator==(const Held&) const = default;
};
[[nodiscard]] Held held();

/// Where blocks that are taken from here on come from is remembered until they are freed.
void start_recording();
struct Owners {
  bool ours = false;  ///< some belong to this library
  std::string names;  ///< of those who own one, with addresses for addr2line
};
/// Of the blocks that are left.
[[nodiscard]] Owners stop_recording();

/// What of the process is tested: this library's own shared object, in the words of `Caller::module`.
inline constexpr std::string_view kOurs = "libsilhouette.so";

/// Who asked for something: the innermost function that belongs neither to C's and C++'s libraries nor to this program.
struct Caller {
  char module[96] = {};
  std::uintptr_t offset = 0;
  [[nodiscard]] bool is_ours() const { return std::string_view(module).starts_with(kOurs); }
};
[[nodiscard]] Caller caller_now();

/// Where who was refused first since arm is written; this process's, or memory that is shared with another.
void write_refused_to(Caller* where);

}  // namespace silhouette::test::faults
