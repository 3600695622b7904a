// The three functions of glib that libsilhouette calls and the libvips of npm's sharp project, which the package
// carries, leaves out. In the package this takes the place of libgmodule.

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#define SHIM_API extern "C" __attribute__((visibility("default")))

/// Text with the characters that mean something in markup written as entities; `length` < 0: up to the zero byte. The
/// caller frees it with g_free, which is free.
SHIM_API char* g_markup_escape_text(const char* text, std::ptrdiff_t length) {
  std::string escaped;
  for (const char c : length < 0 ? std::string_view(text) : std::string_view(text, static_cast<std::size_t>(length))) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '\'': escaped += "&#39;"; break;
      case '"': escaped += "&quot;"; break;
      default: escaped += c;
    }
  }
  return ::strdup(escaped.c_str());
}

/// No plug-ins: those of the system are made for the system's libvips.
SHIM_API void* g_module_open(const char*, int) {
  return nullptr;
}

SHIM_API void g_module_make_resident(void*) {}
