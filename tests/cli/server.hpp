#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace silhouette::test {

/// A server on this machine that takes connections and answers what it is told, or never.
class Server {
 public:
  Server() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, generic, size) != 0 || ::listen(socket_, 4) != 0 ||
        ::getsockname(socket_, generic, &size) != 0) {
      throw std::runtime_error("can't listen on the loopback interface");
    }
    // Nobody coming is a failed test, not one that never ends.
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    port_ = ntohs(address.sin_port);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    if (connection_ >= 0) ::close(connection_);
    ::close(socket_);
  }

  /// Returns when somebody has connected.
  void wait_for_connection() { connection_ = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC); }

  /// Takes one connection, reads what it asks for, sends an answer and ends the connection.
  void answer(std::string_view response) {
    wait_for_connection();
    std::string request;
    std::array<char, 4096> chunk{};
    while (!request.contains("\r\n\r\n")) {
      const ssize_t n = ::recv(connection_, chunk.data(), chunk.size(), 0);
      if (n <= 0) return;
      request.append(chunk.data(), static_cast<std::size_t>(n));
    }
    while (!response.empty()) {
      const ssize_t n = ::send(connection_, response.data(), response.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      response.remove_prefix(static_cast<std::size_t>(n));
    }
    ::close(std::exchange(connection_, -1));
  }

  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }

 private:
  int socket_;
  int connection_ = -1;
  int port_ = 0;
};

}  // namespace silhouette::test
