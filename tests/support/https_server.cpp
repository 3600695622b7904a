#include "support/https_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace silhouette::test {
namespace {

/// Nobody who speaks TLS to this server is silent for so long.
constexpr timeval kPatience{.tv_sec = 20, .tv_usec = 0};

template <auto kFunction>
struct Free {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFunction(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Free<SSL_free>>;

void need(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

Certificate make_certificate(EVP_PKEY* key) {
  constexpr long kDay = 24L * 3600;
  Certificate certificate(X509_new());
  X509* const x509 = certificate.get();
  need(x509 != nullptr && X509_set_version(x509, X509_VERSION_3) == 1, "a certificate");
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(x509), kDay);
  X509_set_pubkey(x509, key);
  X509_NAME* const name = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test server"), -1, -1,
                             0);
  X509_set_issuer_name(x509, name);
  const std::array extensions{std::pair{NID_basic_constraints, "critical,CA:TRUE"},
                              std::pair{NID_subject_alt_name, "IP:127.0.0.1"}};
  for (const auto& [id, text] : extensions) {
    const std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, id, text));
    need(extension && X509_add_ext(x509, extension.get(), -1) == 1, "a certificate's extension");
  }
  need(X509_sign(x509, key, EVP_sha256()) != 0, "a signature");
  return certificate;
}

std::string to_pem(X509* certificate) {
  const std::unique_ptr<BIO, Free<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  need(memory && PEM_write_bio_X509(memory.get(), certificate) == 1, "PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

struct HttpsServer::Tls {
  Context context;
};

HttpsServer::HttpsServer(std::string body) : body_(std::move(body)), tls_(std::make_unique<Tls>()) {
  // OpenSSL writes with write(2), also to who has gone.
  std::signal(SIGPIPE, SIG_IGN);
  for (const char* const name : {"no_proxy", "NO_PROXY"}) ::setenv(name, "127.0.0.1,::1,localhost", 1);
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  need(key != nullptr, "a key");
  const Certificate certificate = make_certificate(key.get());
  certificate_ = to_pem(certificate.get());
  tls_->context.reset(SSL_CTX_new(TLS_server_method()));
  need(tls_->context && SSL_CTX_use_certificate(tls_->context.get(), certificate.get()) == 1 &&
           SSL_CTX_use_PrivateKey(tls_->context.get(), key.get()) == 1,
       "a TLS context");
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  need(listener_ >= 0 && ::bind(listener_, generic, length) == 0 && ::listen(listener_, 16) == 0 &&
           ::getsockname(listener_, generic, &length) == 0,
       "a socket");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

HttpsServer::~HttpsServer() {
  stopping_ = true;
  // Ends the accept.
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

std::string HttpsServer::url(std::string_view path) const {
  return fmt::format("https://127.0.0.1:{}{}", port_, path);
}

void HttpsServer::serve() {
  const std::string reply =
      fmt::format("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", body_.size(), body_);
  while (!stopping_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    const Connection connection(SSL_new(tls_->context.get()));
    std::string request;
    std::array<char, 4096> chunk{};
    if (connection && SSL_set_fd(connection.get(), socket) == 1 && SSL_accept(connection.get()) == 1) {
      int got = 1;
      while (got > 0 && request.find("\r\n\r\n") == request.npos) {
        got = SSL_read(connection.get(), chunk.data(), static_cast<int>(chunk.size()));
        if (got > 0) request.append(chunk.data(), static_cast<std::size_t>(got));
      }
      if (got > 0) SSL_write(connection.get(), reply.data(), static_cast<int>(reply.size()));
      SSL_shutdown(connection.get());
    }
    ::close(socket);
  }
}

}  // namespace silhouette::test
