#include "progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "format.hpp"
#include "terminal.hpp"

namespace silhouette::cli {
namespace {

using std::chrono::milliseconds;

// What ends sooner than this needs no bar, and more pictures a second than this only flicker.
constexpr milliseconds kDelay{300};
constexpr milliseconds kInterval{80};
constexpr std::size_t kMaxBar = 40;

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Progress::Progress() : terminal_(is_capable_terminal(STDERR_FILENO)) {}

void Progress::begin(std::string_view what) {
  end();
  what_ = printable(what);
  began_ = Clock::now();
  drawn_ = {};
  running_ = true;
}

void Progress::update(double fraction) {
  const auto now = Clock::now();
  if (!terminal_ || !running_ || now - began_ < kDelay || (shown_ && now - drawn_ < kInterval)) return;
  fraction = std::clamp(fraction, 0.0, 1.0);
  const std::size_t width = terminal_width();
  constexpr std::size_t kAround = 10;  // the brackets, the spaces and the percentage
  const std::size_t text_width = std::min(display_width(what_), width / 2);
  const std::size_t bar_width = std::min(kMaxBar, width > text_width + kAround ? width - text_width - kAround : 0);
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(bar_width));
  const std::string line = fmt::format("\r{} [{}{}] {:3.0f}%\x1b[K", shorten(what_, text_width),
                                       std::string(filled, '='), std::string(bar_width - filled, ' '), fraction * 100);
  std::fwrite(line.data(), 1, line.size(), stderr);
  shown_ = true;
  drawn_ = now;
}

void Progress::hide() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

void Progress::end() {
  hide();
  running_ = false;
}

}  // namespace silhouette::cli
