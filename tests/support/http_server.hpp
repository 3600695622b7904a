#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace silhouette::test {

struct HttpRequest {
  std::string method;
  std::string target;                          ///< as sent: "/a?b", or a whole URL when asked as a proxy
  std::map<std::string, std::string> headers;  ///< names in lower case
};

/// What the server does with one request; the default is a proper answer, the rest are ways to misbehave. The
/// connection is closed after every reply.
struct HttpReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  std::optional<std::uint64_t> content_length{};  ///< claimed instead of the body's size
  bool omit_length = false;                       ///< no Content-Length: the body ends with the connection
  std::optional<std::size_t> send_only{};  ///< stop after so many bytes of head and body together, then close or hang
  std::optional<std::size_t> body_only{};  ///< the same counted from the start of the body
  bool hang = false;                       ///< then keep the connection open until the client or the server goes
  bool endless = false;                    ///< repeat the body until the client goes
  std::optional<std::string> raw{};        ///< sent as it is in the place of all that
  std::chrono::milliseconds drip{};        ///< if not 0: head and body byte by byte, with such pauses
};

/// A scripted HTTP/1.1 server on the loopback interface, on threads of its own; it stops in the destructor. The first
/// one made also exempts the loopback addresses from proxies named in the environment.
class HttpServer {
 public:
  /// Called for every request, one at a time.
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  /// Throws std::runtime_error if there is no such loopback address.
  explicit HttpServer(Handler handler, bool ipv6 = false);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// "http://127.0.0.1:PORT" + path.
  [[nodiscard]] std::string url(std::string_view path = "") const;

  /// Requests so far, in the order of arrival.
  [[nodiscard]] std::vector<HttpRequest> requests() const;

  /// No handler runs while this is held: take it to change what handlers read.
  [[nodiscard]] std::unique_lock<std::mutex> hold_handler() const { return std::unique_lock(handler_mutex_); }

  /// Blocks until there were at least so many.
  void wait_for_requests(std::size_t count) const;

 private:
  void accept_connections();
  void serve(int connection);
  [[nodiscard]] bool wait_until(int connection, short events) const;
  [[nodiscard]] bool stopped_within(std::chrono::milliseconds pause) const;
  [[nodiscard]] std::optional<HttpRequest> read_request(int connection) const;
  [[nodiscard]] bool send_all(int connection, std::string_view bytes) const;
  void send_reply(int connection, const HttpReply& reply) const;

  Handler handler_;
  std::string origin_;
  int listener_ = -1;
  int stop_event_ = -1;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::vector<HttpRequest> requests_;
  mutable std::mutex handler_mutex_;
  std::vector<std::thread> connections_;  ///< touched by the accepting thread alone until it has ended
  std::thread acceptor_;
};

/// The reply of a server that knows Range and If-Range (RFC 9110, single ranges "bytes=N-").
HttpReply serve_ranges(const HttpRequest& request, const std::string& body, const std::string& etag);

/// A port of 127.0.0.1 that refuses connections for as long as this object lives.
class ClosedPort {
 public:
  ClosedPort();
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  ~ClosedPort();

  /// "http://127.0.0.1:PORT" + path.
  [[nodiscard]] std::string url(std::string_view path = "") const;

 private:
  int socket_ = -1;
  int port_ = 0;
};

}  // namespace silhouette::test
