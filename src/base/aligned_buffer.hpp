#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "base/checked.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

/// Asks the system to back the whole huge pages within these bytes with huge pages: first writing to a large buffer
/// then costs a fraction of the page faults. Does nothing for small buffers and where there is no such thing.
void advise_huge_pages(void* data, std::size_t bytes) noexcept;

/// A fixed number of uninitialised trivial values, aligned for SIMD. Move-only; creation can fail, nothing else can.
template <typename T>
  requires std::is_trivially_copyable_v<T>
class AlignedBuffer {
 public:
  static constexpr std::size_t kAlignment = 64;

  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    if (this != &other) {
      std::free(data_);
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() { std::free(data_); }

  /// `what` names the buffer in the error: kLimitExceeded when the system has no memory for it.
  [[nodiscard]] static Result<AlignedBuffer> create(std::size_t count, const char* what) {
    AlignedBuffer buffer;
    if (count == 0) return buffer;
    const auto bytes = checked_mul(count, sizeof(T));
    const auto padded = bytes ? checked_add(*bytes, kAlignment - 1) : std::nullopt;
    if (padded) buffer.data_ = static_cast<T*>(std::aligned_alloc(kAlignment, *padded / kAlignment * kAlignment));
    if (buffer.data_ == nullptr) {
      return fail(ErrorCode::kLimitExceeded, std::string("no memory for ") + what + " of " + std::to_string(count) +
                                                 " values; use a smaller image or fewer classes of interest");
    }
    buffer.size_ = count;
    advise_huge_pages(buffer.data_, *bytes);
    return buffer;
  }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::span<T> span() noexcept { return {data_, size_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {data_, size_}; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace silhouette
