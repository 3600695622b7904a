#include "image/vips_runtime.hpp"

#include <glib.h>
#include <gmodule.h>

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <exception>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/processors.hpp"

namespace silhouette {
namespace {

constexpr int kMostThreads = 4;
constexpr std::size_t kLongestReason = 200;

void ignore_message(const gchar*, GLogLevelFlags, const gchar*, gpointer) {}

thread_local int quiet_scopes = 0;

/// The process that libvips was started in.
pid_t starter = 0;

std::atomic<int> uses = 0;
/// Of another thread than the one that forked, which isn't in libvips.
std::atomic<bool> forked_in_use = false;

void look_at_uses() {
  if (uses > 0) forked_in_use = true;
}

// Before main, for there may be a use at any time after that.
[[maybe_unused]] const int watching = ::pthread_atfork(nullptr, nullptr, look_at_uses);

// libpng's own words, for one, reach libvips' log and not its error buffer.
thread_local std::string last_warning;

void keep_message(const gchar*, GLogLevelFlags, const gchar* message, gpointer) {
  if (quiet_scopes > 0 && message != nullptr) last_warning = message;
}

void ignore_message_if_quiet(const gchar* domain, GLogLevelFlags level, const gchar* message, gpointer data) {
  if (quiet_scopes == 0) g_log_default_handler(domain, level, message, data);
}

bool initialise() {
  starter = ::getpid();
  constexpr auto kAll = static_cast<GLogLevelFlags>(G_LOG_LEVEL_MASK | G_LOG_FLAG_FATAL | G_LOG_FLAG_RECURSION);
  g_log_set_handler("VIPS", kAll, keep_message, nullptr);
  g_log_set_handler("Pango", kAll, ignore_message, nullptr);
  g_log_set_handler("GLib-GObject", kAll, ignore_message_if_quiet, nullptr);
  g_log_set_handler("GLib", kAll, ignore_message_if_quiet, nullptr);
  // vips_init opens every plug-in that it finds below its library folder: ImageMagick, Poppler and OpenSlide, which
  // take 20 ms and must never run here. The folder is settled at the first question for it and taken from an
  // environment variable if that is set; PATH is no folder, so that none is found. enable_loader opens the two that are
  // wanted.
  vips_guess_libdir("silhouette", "PATH");
  if (vips_init("silhouette") != 0) return false;
  vips_cache_set_max(0);
  vips_concurrency_set(std::min(available_processors(), kMostThreads));
  // The program around this library may have started libvips with all its plug-ins before.
  vips_operation_block_set("VipsForeignLoad", TRUE);
  for (const auto& format : image_formats()) vips_operation_block_set(format.loader_class, FALSE);
  return true;
}

bool has_loader(const ImageFormat& format) {
  return vips_type_find("VipsOperation", format.loader) != 0;
}

std::string cleaned(std::string_view line) {
  // "domain: reason", where the domain is one word.
  const auto colon = line.find(": ");
  if (colon != std::string_view::npos && line.substr(0, colon).find(' ') == std::string_view::npos) {
    line.remove_prefix(colon + 2);
  }
  std::string reason(line.substr(0, kLongestReason));
  for (char& c : reason) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = ' ';
  }
  // libvips puts in names of files in some messages, which may be cut or not be UTF-8.
  gchar* const valid = g_utf8_make_valid(reason.data(), static_cast<gssize>(reason.size()));
  reason = valid;
  g_free(valid);
  while (!reason.empty() && (reason.back() == ' ' || reason.back() == '.')) reason.pop_back();
  return reason.empty() ? "the reason is unknown" : reason;
}

bool domain_contains(std::string_view line, std::string_view keyword) {
  const auto domain = line.substr(0, line.find(": "));
  return !std::ranges::search(domain, keyword, [](char a, char b) { return std::tolower(a) == b; }).empty();
}

}  // namespace

VipsUse::VipsUse() noexcept {
  ++uses;
}

VipsUse::VipsUse(VipsUse&& other) noexcept : counts_(std::exchange(other.counts_, false)) {}

VipsUse::~VipsUse() {
  if (counts_) --uses;
}

Result<VipsUse> start_vips() {
  if (forked_in_use) {
    return fail(ErrorCode::kLimitExceeded,
                "images can't be read in a process made by fork() while another thread was reading one; fork before "
                "that, or exec a program");
  }
  VipsUse use;
  static std::once_flag once;
  static bool started = false;
  std::call_once(once, [] { started = initialise(); });
  if (!started) return fail(ErrorCode::kInternal, "libvips can't start; check that it is installed whole");
  return use;
}

QuietScope::QuietScope() noexcept {
  if (quiet_scopes == 0) last_warning.clear();
  ++quiet_scopes;
}

QuietScope::~QuietScope() {
  --quiet_scopes;
}

bool enable_loader(const ImageFormat& format) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (has_loader(format)) return true;
  if (format.module == nullptr || ::getpid() != starter) return false;
  const std::string path = std::string(SILHOUETTE_VIPS_MODULES "/") + format.module;
  GModule* const module = g_module_open(path.c_str(), G_MODULE_BIND_LAZY);
  if (module == nullptr) return false;
  // The classes in it live as long as the process.
  g_module_make_resident(module);
  vips_operation_block_set(format.loader_class, FALSE);
  return has_loader(format);
}

bool threads_are_to_be_had(int count) noexcept {
  if (::getpid() != starter) return false;
  try {
    // All at once, as they will be.
    std::latch done(1);
    std::vector<std::jthread> probes;
    probes.reserve(static_cast<std::size_t>(count));
    const auto let_go = [&](auto* latch) { latch->count_down(); };
    const std::unique_ptr<std::latch, decltype(let_go)> release(&done, let_go);
    for (int i = 0; i < count; ++i) probes.emplace_back([&done] { done.wait(); });
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

bool memory_is_to_be_had(int threads) noexcept {
  constexpr std::size_t kAround = std::size_t{24} << 20;
  // Of address space, 8 and 64 MB: the latter is taken where it is there, whether or not others need it more.
  constexpr std::size_t kThread = std::size_t{72} << 20;
  const std::size_t reserve = kAround + static_cast<std::size_t>(threads) * kThread;
  void* const reserved = allocate_buffer(reserve);
  free_buffer(reserved, reserve);
  return reserved != nullptr;
}

std::shared_mutex& vips_messages() {
  static std::shared_mutex mutex;
  return mutex;
}

std::string take_vips_messages() {
  gchar* const text = vips_error_buffer_copy();
  std::string all(text);
  g_free(text);
  return all;
}

std::string take_vips_reason(std::string_view keyword) {
  const std::string all = take_vips_messages();
  std::string_view first;
  for (std::string_view rest = all; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.empty()) continue;
    // "libpng read error" says nothing.
    if (line.ends_with("libpng read error") && !last_warning.empty()) continue;
    if (domain_contains(line, keyword)) return cleaned(line);
    if (first.empty()) first = line;
  }
  return cleaned(first.empty() ? last_warning : first);
}

}  // namespace silhouette
