#include "support/http_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace silhouette::test {
namespace {

constexpr std::size_t kMaxRequestBytes = 64 * 1024;

void bypass_proxies() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (const char* const name : {"no_proxy", "NO_PROXY"}) ::setenv(name, "127.0.0.1,::1,localhost", 1);
  });
}

/// A bound socket and its port.
std::pair<int, int> bind_loopback(bool ipv6) {
  const int fd = ::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error(fmt::format("socket: {}", std::strerror(errno)));
  sockaddr_storage address{};
  socklen_t length = 0;
  if (ipv6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    length = sizeof v6;
    std::memcpy(&address, &v6, sizeof v6);
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    length = sizeof v4;
    std::memcpy(&address, &v4, sizeof v4);
  }
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    const int number = errno;
    ::close(fd);
    throw std::runtime_error(fmt::format("bind: {}", std::strerror(number)));
  }
  std::uint16_t port = 0;
  // sin_port and sin6_port are at the same place.
  std::memcpy(&port, reinterpret_cast<const char*>(&address) + offsetof(sockaddr_in, sin_port), sizeof port);
  return {fd, ntohs(port)};
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

}  // namespace

HttpServer::HttpServer(Handler handler, bool ipv6) : handler_(std::move(handler)) {
  bypass_proxies();
  int port = 0;
  std::tie(listener_, port) = bind_loopback(ipv6);
  stop_event_ = ::eventfd(0, EFD_CLOEXEC);
  if (stop_event_ < 0 || ::listen(listener_, 64) != 0) {
    const int number = errno;
    ::close(listener_);
    if (stop_event_ >= 0) ::close(stop_event_);
    throw std::runtime_error(fmt::format("listen: {}", std::strerror(number)));
  }
  origin_ = fmt::format("http://{}:{}", ipv6 ? "[::1]" : "127.0.0.1", port);
  acceptor_ = std::thread([this] { accept_connections(); });
}

HttpServer::~HttpServer() {
  const std::uint64_t one = 1;
  // An eventfd's counter stays readable until it is read, so one write wakes every poll there is and will be.
  if (::write(stop_event_, &one, sizeof one) != sizeof one) std::abort();
  acceptor_.join();
  for (auto& connection : connections_) connection.join();
  ::close(listener_);
  ::close(stop_event_);
}

std::string HttpServer::url(std::string_view path) const {
  return origin_ + std::string(path);
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

void HttpServer::wait_for_requests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return requests_.size() >= count; });
}

bool HttpServer::wait_until(int connection, short events) const {
  std::array<pollfd, 2> polled{{{connection, events, 0}, {stop_event_, POLLIN, 0}}};
  while (::poll(polled.data(), polled.size(), -1) < 0) {
    if (errno != EINTR) return false;
  }
  return polled[1].revents == 0;
}

bool HttpServer::stopped_within(std::chrono::milliseconds pause) const {
  pollfd polled{stop_event_, POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(pause.count())) != 0;
}

void HttpServer::accept_connections() {
  while (wait_until(listener_, POLLIN)) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) continue;
    connections_.emplace_back([this, connection] { serve(connection); });
  }
}

void HttpServer::serve(int connection) {
  if (auto request = read_request(connection)) {
    HttpReply reply;
    {
      const std::scoped_lock lock(handler_mutex_);
      {
        const std::scoped_lock requests_lock(mutex_);
        requests_.push_back(*request);
      }
      arrived_.notify_all();
      reply = handler_(*request);
    }
    send_reply(connection, reply);
  }
  ::close(connection);
}

std::optional<HttpRequest> HttpServer::read_request(int connection) const {
  std::string text;
  std::array<char, 4096> chunk{};
  while (text.find("\r\n\r\n") == text.npos) {
    if (text.size() > kMaxRequestBytes || !wait_until(connection, POLLIN)) return std::nullopt;
    const ssize_t n = ::recv(connection, chunk.data(), chunk.size(), 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return std::nullopt;
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
  HttpRequest request;
  const std::string_view view(text);
  const auto line_end = view.find("\r\n");
  const auto line = view.substr(0, line_end);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == line.npos || last <= first) return std::nullopt;
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  for (auto at = line_end + 2;;) {
    const auto end = view.find("\r\n", at);
    const auto header = view.substr(at, end - at);
    if (header.empty()) return request;
    const auto colon = header.find(':');
    if (colon == header.npos) return std::nullopt;
    const auto value = header.find_first_not_of(' ', colon + 1);
    request.headers[lower(header.substr(0, colon))] = value == header.npos ? "" : header.substr(value);
    at = end + 2;
  }
}

bool HttpServer::send_all(int connection, std::string_view bytes) const {
  while (!bytes.empty()) {
    if (!wait_until(connection, POLLOUT)) return false;
    const ssize_t n = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void HttpServer::send_reply(int connection, const HttpReply& reply) const {
  std::string text = fmt::format("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", reply.status);
  for (const auto& [name, value] : reply.headers) text += fmt::format("{}: {}\r\n", name, value);
  if (!reply.omit_length && !reply.endless) {
    text += fmt::format("Content-Length: {}\r\n", reply.content_length.value_or(reply.body.size()));
  }
  text += "\r\n";
  const std::size_t head = text.size();
  text += reply.body;
  if (reply.raw) text = *reply.raw;
  if (reply.send_only) text.resize(std::min(text.size(), *reply.send_only));
  if (reply.body_only) text.resize(std::min(text.size(), head + *reply.body_only));
  if (reply.drip.count() > 0) {
    for (const char& c : text) {
      if (!send_all(connection, {&c, 1}) || stopped_within(reply.drip)) return;
    }
    return;
  }
  bool connected = send_all(connection, text);
  while (connected && reply.endless) connected = send_all(connection, reply.body);
  std::array<char, 256> ignored{};
  while (connected && reply.hang && wait_until(connection, POLLIN)) {
    const ssize_t n = ::recv(connection, ignored.data(), ignored.size(), 0);
    connected = n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
  }
}

HttpReply serve_ranges(const HttpRequest& request, const std::string& body, const std::string& etag) {
  HttpReply reply{.headers = {{"ETag", etag}, {"Accept-Ranges", "bytes"}}, .body = body};
  const auto range = request.headers.find("range");
  const auto condition = request.headers.find("if-range");
  if (range == request.headers.end() || (condition != request.headers.end() && condition->second != etag)) return reply;
  constexpr std::string_view kPrefix = "bytes=";
  std::size_t start = 0;
  const char* const digits = range->second.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(digits, range->second.data() + range->second.size(), start);
  if (!range->second.starts_with(kPrefix) || error != std::errc{} || std::string_view(end) != "-") return reply;
  if (start >= body.size()) {
    return {.status = 416, .headers = {{"Content-Range", fmt::format("bytes */{}", body.size())}}, .body = {}};
  }
  reply.status = 206;
  reply.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", start, body.size() - 1, body.size()));
  reply.body = body.substr(start);
  return reply;
}

ClosedPort::ClosedPort() {
  bypass_proxies();
  // Bound but not listening: nobody else can take the port, and the system refuses its connections.
  std::tie(socket_, port_) = bind_loopback(false);
}

ClosedPort::~ClosedPort() {
  ::close(socket_);
}

std::string ClosedPort::url(std::string_view path) const {
  return fmt::format("http://127.0.0.1:{}{}", port_, path);
}

}  // namespace silhouette::test
