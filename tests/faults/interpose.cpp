#include "faults/interpose.hpp"

#include <dlfcn.h>
#include <execinfo.h>
#include <fmt/format.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>

// What the GNU C library's allocator is called beside malloc.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace silhouette::test::faults {
namespace {

constexpr int kFrames = 48;
constexpr std::size_t kTracked = 1U << 16;

std::atomic<long> count = 0;
std::atomic<long> refuse_at = -1;
std::atomic<bool> and_all_after = false;
std::atomic<int> threads_left = -1;
std::atomic<long> threads_refused = 0;
std::atomic<std::int64_t> blocks = 0;
std::atomic<std::int64_t> mapped = 0;

Caller own_note;
Caller* refused = &own_note;

/// Not to be entered again from what it calls itself.
thread_local bool inside [[gnu::tls_model("initial-exec")]] = false;
class Inside {
 public:
  Inside() { inside = true; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { inside = false; }
};

thread_local bool spared [[gnu::tls_model("initial-exec")]] = false;

struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  [[nodiscard]] bool has(const void* address) const {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    return at >= begin && at < end;
  }
};

/// The dynamic linker keeps what threads need with their stacks, which the C library keeps for the next.
Range linker_range() {
  Range range;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        if (info->dlpi_name == nullptr || std::strstr(info->dlpi_name, "/ld-linux") == nullptr) return 0;
        auto& found = *static_cast<Range*>(data);
        found.begin = info->dlpi_addr;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& part = info->dlpi_phdr[i];
          if (part.p_type == PT_LOAD) found.end = info->dlpi_addr + part.p_vaddr + part.p_memsz;
        }
        return 1;
      },
      &range);
  return range;
}
Range linker;

bool is_plumbing(std::string_view module) {
  for (const std::string_view name : {"libc.so", "libstdc++.so", "libgcc_s.so", "libm.so", "ld-linux"}) {
    if (module.starts_with(name)) return true;
  }
  return module.find(".so") == std::string_view::npos;
}

Caller caller_of(std::span<void* const> frames) {
  Caller caller;
  for (void* const frame : frames) {
    Dl_info info{};
    if (dladdr(frame, &info) == 0 || info.dli_fname == nullptr) continue;
    const char* const slash = std::strrchr(info.dli_fname, '/');
    const char* const name = slash != nullptr ? slash + 1 : info.dli_fname;
    if (is_plumbing(name)) continue;
    std::strncpy(caller.module, name, sizeof caller.module - 1);
    caller.offset = reinterpret_cast<std::uintptr_t>(frame) - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    break;
  }
  return caller;
}

struct Block {
  void* pointer = nullptr;
  int depth = 0;
  std::array<void*, kFrames> frames{};
};
std::array<Block, kTracked> tracked;
std::atomic<bool> recording = false;
pthread_mutex_t tracked_mutex = PTHREAD_MUTEX_INITIALIZER;

Block* place_of(void* pointer, void* wanted) {
  const std::size_t first = (reinterpret_cast<std::uintptr_t>(pointer) >> 4) * 0x9E3779B97F4A7C15ULL >> 48;
  for (std::size_t i = 0; i < kTracked; ++i) {
    Block& block = tracked[(first + i) % kTracked];
    if (block.pointer == wanted) return &block;
    // Freed places keep a mark, so that the search may end here.
    if (block.pointer == nullptr) return nullptr;
  }
  return nullptr;
}
void* const kFreed = reinterpret_cast<void*>(1);

void note_taken(void* pointer, const void* caller) {
  if (pointer == nullptr || inside || linker.has(caller)) return;
  blocks.fetch_add(1, std::memory_order_relaxed);
  if (!recording) return;
  const Inside scope;
  Block found{.pointer = pointer};
  found.depth = backtrace(found.frames.data(), kFrames);
  pthread_mutex_lock(&tracked_mutex);
  Block* place = place_of(pointer, kFreed);
  if (place == nullptr) place = place_of(pointer, nullptr);
  if (place != nullptr) *place = found;
  pthread_mutex_unlock(&tracked_mutex);
}

void note_freed(void* pointer, const void* caller) {
  if (pointer == nullptr || inside || linker.has(caller)) return;
  blocks.fetch_sub(1, std::memory_order_relaxed);
  if (!recording) return;
  pthread_mutex_lock(&tracked_mutex);
  if (Block* const place = place_of(pointer, pointer)) place->pointer = kFreed;
  pthread_mutex_unlock(&tracked_mutex);
}

bool is_refused() {
  const long limit = refuse_at.load(std::memory_order_relaxed);
  if (limit < 0 || inside || spared) return false;
  const long number = count.fetch_add(1, std::memory_order_relaxed) + 1;
  if (limit == 0 || number < limit || (number > limit && !and_all_after)) return false;
  if (number == limit) *refused = caller_now();
  errno = ENOMEM;
  return true;
}

}  // namespace

Spared::Spared() {
  spared = true;
}

Spared::~Spared() {
  spared = false;
}

Caller caller_now() {
  const Inside scope;
  std::array<void*, kFrames> frames{};
  const int depth = backtrace(frames.data(), kFrames);
  return caller_of(std::span(frames).first(static_cast<std::size_t>(depth)));
}

void arm(long at, Mode mode) {
  // Its first use opens a library.
  static_cast<void>(caller_now());
  linker = linker_range();
  *refused = {};
  and_all_after = mode == Mode::kFromThenOn;
  count = 0;
  refuse_at = at;
}

void disarm() {
  refuse_at = -1;
}

long requests() {
  return count;
}

void allow_threads(int number) {
  threads_left = number;
}

long refused_threads() {
  return threads_refused;
}

Held held() {
  return {.blocks = blocks, .mapped = mapped};
}

void start_recording() {
  tracked.fill({});
  recording = true;
}

Owners stop_recording() {
  recording = false;
  Owners owners;
  for (const Block& block : tracked) {
    if (block.pointer == nullptr || block.pointer == kFreed) continue;
    const Caller caller = caller_of(std::span(block.frames).first(static_cast<std::size_t>(block.depth)));
    owners.ours = owners.ours || caller.is_ours();
    if (owners.names.size() < 400) owners.names += fmt::format(" {}+{:#x}", caller.module, caller.offset);
  }
  return owners;
}

void write_refused_to(Caller* where) {
  refused = where;
}

}  // namespace silhouette::test::faults

using namespace silhouette::test::faults;

#define SILHOUETTE_CALLER __builtin_extract_return_addr(__builtin_return_address(0))
#define SILHOUETTE_INTERPOSED extern "C" [[gnu::visibility("default")]]

SILHOUETTE_INTERPOSED void* malloc(std::size_t size) {
  if (is_refused()) return nullptr;
  void* const pointer = __libc_malloc(size);
  note_taken(pointer, SILHOUETTE_CALLER);
  return pointer;
}

SILHOUETTE_INTERPOSED void* calloc(std::size_t number, std::size_t size) {
  if (is_refused()) return nullptr;
  void* const pointer = __libc_calloc(number, size);
  note_taken(pointer, SILHOUETTE_CALLER);
  return pointer;
}

SILHOUETTE_INTERPOSED void* realloc(void* old, std::size_t size) {
  if (size != 0 && is_refused()) return nullptr;
  void* const pointer = __libc_realloc(old, size);
  if (pointer != nullptr || size == 0) note_freed(old, SILHOUETTE_CALLER);
  note_taken(pointer, SILHOUETTE_CALLER);
  return pointer;
}

SILHOUETTE_INTERPOSED void* memalign(std::size_t alignment, std::size_t size) {
  if (is_refused()) return nullptr;
  void* const pointer = __libc_memalign(alignment, size);
  note_taken(pointer, SILHOUETTE_CALLER);
  return pointer;
}

SILHOUETTE_INTERPOSED void* aligned_alloc(std::size_t alignment, std::size_t size) {
  if (is_refused()) return nullptr;
  void* const pointer = __libc_memalign(alignment, size);
  note_taken(pointer, SILHOUETTE_CALLER);
  return pointer;
}

SILHOUETTE_INTERPOSED int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  if (is_refused()) return ENOMEM;
  void* const pointer = __libc_memalign(alignment, size);
  note_taken(pointer, SILHOUETTE_CALLER);
  if (pointer == nullptr) return ENOMEM;
  *result = pointer;
  return 0;
}

SILHOUETTE_INTERPOSED void free(void* pointer) {
  note_freed(pointer, SILHOUETTE_CALLER);
  __libc_free(pointer);
}

namespace {

template <typename Function>
Function next_of(const char* name) {
  const Inside scope;
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

void* map(void* address, std::size_t size, int protection, int flags, int file, off_t offset) {
  using Map = void* (*)(void*, std::size_t, int, int, int, off_t);
  static const auto real = next_of<Map>("mmap");
  if (is_refused()) return MAP_FAILED;
  void* const result = real(address, size, protection, flags, file, offset);
  // A map over another is one already.
  if (result != MAP_FAILED && (flags & MAP_FIXED) == 0) mapped += static_cast<std::int64_t>(size);
  return result;
}

}  // namespace

SILHOUETTE_INTERPOSED void* mmap(void* address, std::size_t size, int protection, int flags, int file, off_t offset) {
  return map(address, size, protection, flags, file, offset);
}

SILHOUETTE_INTERPOSED void* mmap64(void* address, std::size_t size, int protection, int flags, int file, off_t offset) {
  return map(address, size, protection, flags, file, offset);
}

SILHOUETTE_INTERPOSED int munmap(void* address, std::size_t size) {
  static const auto real = next_of<int (*)(void*, std::size_t)>("munmap");
  const int result = real(address, size);
  if (result == 0) mapped -= static_cast<std::int64_t>(size);
  return result;
}

SILHOUETTE_INTERPOSED int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                                         void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = next_of<Create>("pthread_create");
  for (int left = threads_left; left >= 0;) {
    if (left == 0) {
      ++threads_refused;
      return EAGAIN;
    }
    if (threads_left.compare_exchange_weak(left, left - 1)) break;
  }
  return real(thread, attributes, start, argument);
}
