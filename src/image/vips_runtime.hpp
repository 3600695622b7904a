#pragma once

#include <vips/vips.h>

#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "image/format.hpp"
#include "silhouette/error.hpp"

namespace silhouette {

struct ObjectUnref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
/// Owns one reference to a GObject.
template <typename T>
using ObjectPtr = std::unique_ptr<T, ObjectUnref>;

/// Bytes of one pixel.
inline std::size_t pixel_bytes_of(VipsImage* image) {
  return static_cast<std::size_t>(vips_format_sizeof(vips_image_get_format(image))) *
         static_cast<std::size_t>(vips_image_get_bands(image));
}

/// A prepared region's pixels from (x, y) on; rows are `region->bpl` bytes apart. (VIPS_REGION_ADDR converts signs.)
inline const VipsPel* region_pixels(const VipsRegion* region, int x, int y) {
  const auto pixel_bytes = static_cast<std::ptrdiff_t>(pixel_bytes_of(region->im));
  return region->data + std::ptrdiff_t{y - region->valid.top} * region->bpl +
         std::ptrdiff_t{x - region->valid.left} * pixel_bytes;
}

/// While one lives, its thread may be inside libvips and what is below it, with locks of theirs: a process that another
/// thread makes by fork() meanwhile has these locks for ever.
class VipsUse {
 public:
  VipsUse() noexcept;
  VipsUse(VipsUse&& other) noexcept;
  VipsUse& operator=(VipsUse&&) = delete;
  ~VipsUse();

 private:
  bool counts_ = true;
};

/// Starts libvips, once in the process: no operation cache, at most 4 threads an image, messages of libvips and Pango
/// silent, and all loaders blocked but those of `image_formats()`. Keep the result as long as libvips is used.
/// Thread-safe; kInternal if it can't start, kLimitExceeded in a process made by fork() while one was kept.
Result<VipsUse> start_vips();

/// While one lives, GLib's warnings on this thread are silent: libvips causes some by what it reads in broken files.
/// Those on other threads may be somebody else's. What libvips warns of meanwhile is kept for `take_vips_reason`.
class QuietScope {
 public:
  QuietScope() noexcept;
  QuietScope(const QuietScope&) = delete;
  QuietScope& operator=(const QuietScope&) = delete;
  ~QuietScope();
};

/// Whether the system gives `count` threads at the moment, and this process is the one that started libvips: its
/// threads don't come along with fork(). libvips and Pango crash or abort where they are refused one.
bool threads_are_to_be_had(int count) noexcept;

/// Whether there is memory for what GLib, which aborts where it gets none, needs around a decoding or a text: pixels
/// are asked for by those who can do without. To be asked after these have theirs; `threads`: that will be started,
/// each with a stack and an arena of malloc's.
bool memory_is_to_be_had(int threads = 0) noexcept;

/// libvips has one buffer of messages for all threads. Decodings share this mutex; who wants to know why one failed
/// does it once more with the mutex for itself, the buffer cleared before.
std::shared_mutex& vips_messages();

/// Makes a format's loader usable, opening the plug-in that has it if there is one, except in a process made by fork():
/// what plug-ins do as they are opened may wait for threads that aren't there. Whether it is there.
bool enable_loader(const ImageFormat& format);

/// Takes what libvips has to say about the last failure: one line for people, without the domain; of several one whose
/// domain contains `keyword`.
std::string take_vips_reason(std::string_view keyword);

/// All that libvips has to say, as it stands there.
std::string take_vips_messages();

}  // namespace silhouette
