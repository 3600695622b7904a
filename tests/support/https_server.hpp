#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace silhouette::test {

/// An https server on the loopback interface that answers every request with one body, one connection after the other.
/// Its certificate is made when it starts, for 127.0.0.1, signed by itself: nobody trusts it who isn't told to.
class HttpsServer {
 public:
  /// Throws std::runtime_error if it can't be set up.
  explicit HttpsServer(std::string body);
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;
  ~HttpsServer();

  /// "https://127.0.0.1:PORT" + path.
  [[nodiscard]] std::string url(std::string_view path = "") const;

  /// Its certificate in PEM.
  [[nodiscard]] const std::string& certificate() const { return certificate_; }

 private:
  struct Tls;

  void serve();

  std::string body_;
  std::string certificate_;
  std::unique_ptr<Tls> tls_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace silhouette::test
