// The heap: malloc and its relatives for any number of threads, in place of the C library's, which is one thread's.
// Two-level segregated fit (Masmano, Ripoll, Crespo, Real: "TLSF", ECRTS 2004): every call takes the same few steps,
// free neighbours are always joined, and what is free serves before memory grows. Memory that can't grow is a null
// pointer.
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "export.hpp"

/// The end of the program's own data, which the linker knows.
extern "C" unsigned char __heap_base;

namespace {

/// Every block begins with this, 8 bytes before an address that 16 divides. Sizes are whole blocks', with this.
struct Block {
  std::uint32_t before;  ///< size of the block before it; 0: it is the first of its piece of memory
  std::uint32_t size;    ///< a multiple of 16, and 1 more if it is free; 0: the end of its piece of memory

  // Of free blocks only: their list's.
  Block* next;
  Block* previous;
};

constexpr std::uint32_t kHeader = 8;
constexpr std::uint32_t kUnit = 16;
constexpr std::uint32_t kFreeBit = 1;
constexpr std::uint32_t kPage = 65536;
/// Memory grows by this much at least, if it can: browsers may move it.
constexpr std::uint32_t kStep = 16 * kPage;
/// What is larger is refused before sums can wrap.
constexpr std::uint32_t kMost = 0x7FFF'0000;

/// Lists of free blocks: kClasses of them between one power of two and the next.
constexpr std::uint32_t kClassBits = 4;
constexpr std::uint32_t kClasses = 1U << kClassBits;
constexpr std::uint32_t kPowers = 32 - kClassBits;

std::mutex mutex;
std::uint32_t filled_powers = 0;
std::array<std::uint32_t, kPowers> filled_classes;
std::array<std::array<Block*, kClasses>, kPowers> lists;
Block* last = nullptr;  ///< the end of the newest piece of memory
std::uint32_t used = 0;

struct Place {
  std::uint32_t power;
  std::uint32_t part;
};

/// The list that a block of this size is in.
Place place_of(std::uint32_t size) {
  const std::uint32_t units = size / kUnit;
  if (units < kClasses) return {.power = 0, .part = units};
  const auto power = static_cast<std::uint32_t>(std::bit_width(units)) - 1;
  return {.power = power - kClassBits + 1, .part = (units >> (power - kClassBits)) - kClasses};
}

std::uint32_t size_of(const Block* block) {
  return block->size & ~kFreeBit;
}
bool is_free(const Block* block) {
  return (block->size & kFreeBit) != 0;
}
template <typename Distance>
Block* at(Block* block, Distance bytes) {
  return reinterpret_cast<Block*>(reinterpret_cast<std::byte*>(block) + bytes);
}
Block* after(Block* block) {
  return at(block, size_of(block));
}
Block* block_of(void* memory) {
  return reinterpret_cast<Block*>(static_cast<std::byte*>(memory) - kHeader);
}
void* memory_of(Block* block) {
  return reinterpret_cast<std::byte*>(block) + kHeader;
}

void take_out(Block* block) {
  const Place place = place_of(size_of(block));
  if (block->next != nullptr) block->next->previous = block->previous;
  if (block->previous != nullptr) {
    block->previous->next = block->next;
  } else {
    lists[place.power][place.part] = block->next;
    if (block->next == nullptr) {
      filled_classes[place.power] &= ~(1U << place.part);
      if (filled_classes[place.power] == 0) filled_powers &= ~(1U << place.power);
    }
  }
}

/// Makes a block free, which has no free neighbours.
void put_in(Block* block, std::uint32_t size) {
  const Place place = place_of(size);
  Block*& first = lists[place.power][place.part];
  block->size = size | kFreeBit;
  block->previous = nullptr;
  block->next = first;
  if (first != nullptr) first->previous = block;
  first = block;
  filled_classes[place.power] |= 1U << place.part;
  filled_powers |= 1U << place.power;
  after(block)->before = size;
}

/// The same for any block that is in no list.
void give_back(Block* block) {
  std::uint32_t size = size_of(block);
  if (Block* const next = after(block); is_free(next)) {
    take_out(next);
    size += size_of(next);
  }
  if (block->before != 0) {
    if (Block* const previous = at(block, -static_cast<std::ptrdiff_t>(block->before)); is_free(previous)) {
      take_out(previous);
      size += size_of(previous);
      block = previous;
    }
  }
  put_in(block, size);
}

/// Takes a block, which is in no list any more, for `size` bytes of it; the rest becomes free.
void* use(Block* block, std::uint32_t size) {
  const std::uint32_t rest = size_of(block) - size;
  block->size = size;
  Block* const next = after(block);
  if (rest > 0) {
    next->before = size;
    next->size = rest;
    give_back(next);
  }
  used += size;
  return memory_of(block);
}

/// More memory, of which a free block of `size` bytes can be had; false if there is none.
bool grow(std::uint32_t size) {
  const std::uint32_t pages = __builtin_wasm_memory_size(0);
  // What is free at the end needn't be had again.
  std::uint32_t missing = size + 2 * kHeader + kUnit;
  if (last != nullptr && last->before != 0) {
    const Block* const tail = at(last, -static_cast<std::ptrdiff_t>(last->before));
    if (is_free(tail)) missing -= size_of(tail) < size ? size_of(tail) : size;
  }
  const std::uint32_t least = (missing + kPage - 1) / kPage;
  std::uint32_t more = least < kStep / kPage ? kStep / kPage : least;
  if (__builtin_wasm_memory_grow(0, more) == ~std::size_t{0}) {
    more = least;
    if (__builtin_wasm_memory_grow(0, more) == ~std::size_t{0}) return false;
  }
  const std::uint32_t begin = pages * kPage;
  const std::uint32_t end = begin + more * kPage - kHeader;
  Block* block = last;
  // Somebody else's memory may lie between.
  if (last == nullptr || reinterpret_cast<std::uintptr_t>(last) + kHeader != begin) {
    block = reinterpret_cast<Block*>(begin + kUnit - kHeader);
    block->before = 0;
  }
  last = reinterpret_cast<Block*>(end);
  last->size = 0;
  block->size = end - static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(block));
  give_back(block);
  return true;
}

/// What the program's data leaves of the first pages.
void begin() {
  const std::uint32_t from =
      (static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&__heap_base)) + kUnit - 1) / kUnit * kUnit;
  const std::uint32_t end = __builtin_wasm_memory_size(0) * kPage - kHeader;
  if (from + 4 * kUnit > end) return;
  auto* const block = reinterpret_cast<Block*>(from + kUnit - kHeader);
  last = reinterpret_cast<Block*>(end);
  last->size = 0;
  block->before = 0;
  block->size = end - (from + kUnit - kHeader);
  give_back(block);
}

/// A free block of `size` bytes at least, which is in no list any more; null if there is none.
Block* find(std::uint32_t size) {
  // Every block of a list further up is large enough …
  const Place own = place_of(size);
  Place place = own;
  if (++place.part == kClasses) place = {.power = place.power + 1, .part = 0};
  Block* found = nullptr;
  if (place.power < kPowers) {
    std::uint32_t classes = filled_classes[place.power] & (~0U << place.part);
    if (classes == 0) {
      const std::uint32_t powers = place.power + 1 < kPowers ? filled_powers & (~0U << (place.power + 1)) : 0;
      if (powers != 0) {
        place.power = static_cast<std::uint32_t>(std::countr_zero(powers));
        classes = filled_classes[place.power];
      }
    }
    if (classes != 0) found = lists[place.power][static_cast<std::uint32_t>(std::countr_zero(classes))];
  }
  // … and some of its own may be: looked at where memory would have to grow, or a far larger block to be cut.
  constexpr int kLooks = 32;
  int looks = 0;
  for (Block* block = lists[own.power][own.part]; block != nullptr && looks < kLooks; block = block->next, ++looks) {
    if (size_of(block) < size) continue;
    found = block;
    break;
  }
  if (found != nullptr) take_out(found);
  return found;
}

void* allocate(std::size_t bytes) {
  if (bytes > kMost) return nullptr;
  const std::uint32_t size = (static_cast<std::uint32_t>(bytes) + kHeader + kUnit - 1) / kUnit * kUnit;
  // A free block holds its list's pointers.
  const std::uint32_t least = size < 2 * kUnit ? 2 * kUnit : size;
  if (last == nullptr) begin();
  Block* block = find(least);
  if (block == nullptr && grow(least)) block = find(least);
  if (block == nullptr) return nullptr;
  // A rest that couldn't be free by itself stays.
  return use(block, size_of(block) - least < 2 * kUnit ? size_of(block) : least);
}

void* allocate_aligned(std::size_t alignment, std::size_t bytes) {
  if (alignment <= kUnit) return allocate(bytes);
  if (alignment > kMost / 2 || bytes > kMost - 2 * alignment) return nullptr;
  const auto step = static_cast<std::uint32_t>(alignment);
  void* const memory = allocate(bytes + step + 2 * kUnit);
  if (memory == nullptr) return nullptr;
  Block* const block = block_of(memory);
  const auto from = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(memory));
  std::uint32_t to = (from + step - 1) / step * step;
  // What lies before it is a free block, if it is anything.
  if (to != from && to - from < 2 * kUnit) to += step;
  const std::uint32_t gap = to - from;
  std::uint32_t whole = size_of(block);
  Block* const aligned = at(block, gap);
  used -= whole;
  if (gap > 0) {
    aligned->before = gap;
    whole -= gap;
  }
  aligned->size = whole;
  const std::uint32_t wanted = (static_cast<std::uint32_t>(bytes) + kHeader + kUnit - 1) / kUnit * kUnit;
  const std::uint32_t least = wanted < 2 * kUnit ? 2 * kUnit : wanted;
  void* const result = use(aligned, whole - least < 2 * kUnit ? whole : least);
  after(aligned)->before = size_of(aligned);
  if (gap > 0) {
    block->size = gap;
    give_back(block);
  }
  return result;
}

void release(void* memory) {
  if (memory == nullptr) return;
  Block* const block = block_of(memory);
  used -= size_of(block);
  give_back(block);
}

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) {
  const std::lock_guard lock(mutex);
  return allocate(bytes);
}

void free(void* memory) {
  const std::lock_guard lock(mutex);
  release(memory);
}

void* calloc(std::size_t count, std::size_t bytes) {
  std::size_t all = 0;
  if (__builtin_mul_overflow(count, bytes, &all)) return nullptr;
  void* const memory = malloc(all);
  return memory == nullptr ? nullptr : std::memset(memory, 0, all);
}

void* realloc(void* memory, std::size_t bytes) {
  if (memory == nullptr) return malloc(bytes);
  const std::size_t had = size_of(block_of(memory)) - kHeader;
  if (bytes <= had && bytes >= had / 2) return memory;
  void* const moved = malloc(bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, memory, bytes < had ? bytes : had);
  free(memory);
  return moved;
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  const std::lock_guard lock(mutex);
  return allocate_aligned(alignment, bytes);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  void* const found = aligned_alloc(alignment, bytes);
  if (found == nullptr) return ENOMEM;
  *memory = found;
  return 0;
}

/// Bytes that are in use, with what managing them takes.
SILHOUETTE_EXPORT(silhouette_memory_used) std::uint32_t silhouette_memory_used() {
  const std::lock_guard lock(mutex);
  return used;
}

}  // extern "C"
