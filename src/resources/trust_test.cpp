#include "resources/trust.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "resources/download.hpp"
#include "resources/test_util.hpp"
#include "support/https_server.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::HttpsServer;
using test::impatient;
using test::ScopedEnv;
using test::ScratchFolder;
using test::to_string;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// None of the settings that a test machine may have.
class TrustTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string get(const HttpsServer& server) const {
    const auto bytes = download_bytes(server.url("/a"), impatient(), {});
    return bytes ? to_string(*bytes) : bytes.error().message;
  }

  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name) << text;
    return folder_.path() / name;
  }

  ScratchFolder folder_;
  HttpsServer server_{"content"};
  ScopedEnv bundle_{"CURL_CA_BUNDLE", std::nullopt};
  ScopedEnv cert_file_{"SSL_CERT_FILE", std::nullopt};
  ScopedEnv cert_dir_{"SSL_CERT_DIR", std::nullopt};
};

TEST_F(TrustTest, AStrangersCertificateIsRefusedWithARemedy) {
  EXPECT_THAT(get(server_), AllOf(HasSubstr(server_.url("/a")), HasSubstr("$SSL_CERT_FILE")));
  EXPECT_EQ(download_bytes(server_.url("/a"), impatient(), {}).error().code, ErrorCode::kDownloadFailed);
}

TEST_F(TrustTest, VariablesNameWhomToTrust) {
  const auto right = file("right.pem", server_.certificate());
  const auto other = file("other.pem", HttpsServer("").certificate());
  {
    const ScopedEnv set("SSL_CERT_FILE", right);
    EXPECT_EQ(get(server_), "content");
    const ScopedEnv beats("CURL_CA_BUNDLE", other);
    EXPECT_THAT(get(server_), AllOf(HasSubstr("$CURL_CA_BUNDLE"), HasSubstr(other)));
  }
  {
    const ScopedEnv set("CURL_CA_BUNDLE", right);
    EXPECT_EQ(get(server_), "content");
  }
  const ScopedEnv set("SSL_CERT_FILE", folder_.path() / "missing.pem");
  EXPECT_THAT(get(server_), AllOf(HasSubstr("$SSL_CERT_FILE"), HasSubstr("missing.pem")));
}

TEST_F(TrustTest, AFolderIsSearchedByOpenSslsNames) {
  // Where it looks is all that matters here: a folder without the certificate.
  const ScopedEnv set("SSL_CERT_DIR", folder_.path());
  EXPECT_EQ(current_trust().folder, folder_.path());
  EXPECT_THAT(get(server_), AllOf(HasSubstr("$SSL_CERT_DIR"), HasSubstr(folder_.path().string())));
}

TEST_F(TrustTest, CertificatesAreAddedToWhateverElseIsTrusted) {
  const HttpsServer second("second");
  const ScopedEnv set("SSL_CERT_FILE", file("right.pem", server_.certificate()));
  EXPECT_THAT(get(second), HasSubstr("$SSL_CERT_FILE"));
  add_trusted_certificates(second.certificate());
  EXPECT_EQ(get(server_), "content");
  EXPECT_EQ(get(second), "second");
  EXPECT_THAT(get(HttpsServer("third")), HasSubstr("those that were added"));
}

TEST_F(TrustTest, TheFallbackIsForSystemsWithoutCertificatesAlone) {
  EXPECT_TRUE(choose_trust("", "").nothing || !choose_trust("", "").pem.empty());
  const std::string pem = server_.certificate();
  set_fallback_certificates(pem);
  const auto holds = [&](const Trust& trust) { return trust.pem.find(pem) != std::string::npos; };
  EXPECT_TRUE(holds(choose_trust("", "")));
  EXPECT_FALSE(choose_trust("", "").nothing);
  EXPECT_FALSE(holds(choose_trust("/bundle.pem", "")));
  EXPECT_FALSE(holds(choose_trust("", "/folder")));
  const ScopedEnv named("SSL_CERT_FILE", "/bundle.pem");
  EXPECT_FALSE(holds(choose_trust("", "")));
  set_fallback_certificates({});
}

TEST_F(TrustTest, MaySetFromManyThreads) {
  const auto certificate = server_.certificate();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        set_fallback_certificates(certificate);
        add_trusted_certificates(certificate);
        EXPECT_NE(current_trust().pem.find("BEGIN CERTIFICATE"), std::string::npos);
      });
    }
  }
  set_fallback_certificates({});
  EXPECT_EQ(get(server_), "content");
}

}  // namespace
}  // namespace silhouette
