#include "resources/source.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "resources/sha256.hpp"
#include "resources/test_util.hpp"
#include "resources/url.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::ScopedEnv;
using test::ScratchFolder;
using test::to_string;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A plain encoder to compare with.
std::string encode_base64(std::string_view bytes, std::string_view last_two, bool pad) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + std::string(last_two);
  std::string text;
  std::size_t bits = 0;
  unsigned pending = 0;
  for (const char c : bytes) {
    pending = pending << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) text.push_back(alphabet[pending >> (bits - 6) & 63]);
  }
  if (bits > 0) text.push_back(alphabet[pending << (6 - bits) & 63]);
  while (pad && text.size() % 4 != 0) text.push_back('=');
  return text;
}

Error error_of(const std::string& text) {
  const auto result = read_source(text, {});
  EXPECT_FALSE(result) << text;
  return result ? Error{} : result.error();
}

TEST(ClassifySource, GoesByForm) {
  const auto kind = [](std::string_view text) { return classify_source(text).value(); };
  EXPECT_EQ(kind("photo.jpg"), SourceKind::kPath);
  EXPECT_EQ(kind("/a folder/ünïcode.png"), SourceKind::kPath);
  EXPECT_EQ(kind("C:\\Users\\me\\photo.jpg"), SourceKind::kPath);
  EXPECT_EQ(kind("c:/photo.jpg"), SourceKind::kPath);
  EXPECT_EQ(kind("C://photo.jpg"), SourceKind::kPath);
  EXPECT_EQ(kind("12:30.jpg"), SourceKind::kPath);
  EXPECT_EQ(kind("folder/a://b"), SourceKind::kPath);
  EXPECT_EQ(kind("HTTPS://example.com/a.jpg"), SourceKind::kHttpUrl);
  EXPECT_EQ(kind("http://example.com/a.jpg"), SourceKind::kHttpUrl);
  EXPECT_EQ(kind("file:///a.jpg"), SourceKind::kFileUri);
  EXPECT_EQ(kind("data:image/png;base64,iVBORw0KGgo="), SourceKind::kDataUri);
  EXPECT_EQ(kind("/9j/4AAQSkZJRgABAQ"), SourceKind::kBase64);
  EXPECT_EQ(kind(" iVBORw0KGgoAAAANSUhEUg"), SourceKind::kBase64);
}

TEST(ClassifySource, TellsBase64FromPaths) {
  const std::string base64 = encode_base64(test::pattern(60), "-_", false);
  EXPECT_EQ(classify_source(base64), SourceKind::kBase64);
  EXPECT_EQ(classify_source(base64.substr(0, 40) + "\r\n" + base64.substr(40)), SourceKind::kBase64);
  EXPECT_EQ(classify_source(base64.substr(0, 60)), SourceKind::kPath) << "too short to be an image";
  EXPECT_EQ(classify_source(base64 + ".jpg"), SourceKind::kPath);
  EXPECT_EQ(classify_source("some folder/" + base64), SourceKind::kPath);
  EXPECT_EQ(classify_source(std::string(80, 'a')), SourceKind::kPath);
  EXPECT_EQ(classify_source(std::string(5000, '#')), SourceKind::kBase64) << "no path is so long";
}

TEST(ClassifySource, PrefersAFileThatExists) {
  const ScratchFolder folder;
  const auto name = encode_base64(test::pattern(60), "-_", false);
  std::ofstream(folder.path() / name) << "x";
  const auto old = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const auto kind = classify_source(name);
  std::filesystem::current_path(old);
  EXPECT_EQ(kind, SourceKind::kPath);
}

TEST(ClassifySource, RefusesWhatCantBeMeant) {
  for (const char* const text : {"not_a_valid_uri://bad", "ftp://host/a.jpg", "blob:https://host/1", "content://a/1"}) {
    const auto kind = classify_source(text);
    ASSERT_FALSE(kind) << text;
    EXPECT_EQ(kind.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(kind.error().message, HasSubstr(text));
  }
  EXPECT_EQ(classify_source("").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(classify_source(std::string_view("a\0b", 3)).error().code, ErrorCode::kInvalidArgument);
}

TEST(ClassifySource, LooksPastBlanks) {
  for (const char* const blanks : {" ", "\n", "\t \r\n", "\u00a0", "\ufeff"}) {
    const auto around = [&](const std::string& text) { return blanks + text + blanks; };
    EXPECT_EQ(classify_source(around("https://h/a.jpg")), SourceKind::kHttpUrl);
    EXPECT_EQ(classify_source(around("file:///a.jpg")), SourceKind::kFileUri);
    EXPECT_EQ(classify_source(around("data:,x")), SourceKind::kDataUri);
    EXPECT_EQ(describe_source(around("file:///a%20b.jpg"))->path, "/a b.jpg");
    EXPECT_EQ(describe_source(around("a b.jpg"))->path, "a b.jpg");
    EXPECT_EQ(classify_source(blanks).error().code, ErrorCode::kInvalidArgument);
  }
  const ScratchFolder folder;
  const auto path = (folder.path() / "photo.jpg ").string();
  std::ofstream(path) << "x";
  EXPECT_EQ(describe_source(path)->path, path) << "a file may be called so";
  EXPECT_EQ(read_source(path, {})->size(), 1U);
  EXPECT_EQ(to_string(read_source(" data:,a%20b\n", {}).value()), "a b");
}

TEST(FileUri, IsDecoded) {
  EXPECT_EQ(path_from_file_uri("file:///a%20b/%C3%BC%25.jpg"), "/a b/ü%.jpg");
  EXPECT_EQ(path_from_file_uri("FILE://localhost/a"), "/a");
  EXPECT_EQ(path_from_file_uri("file:/a"), "/a");
  EXPECT_EQ(path_from_file_uri("file:///C:/a.jpg"), "C:/a.jpg");
  for (const char* const uri :
       {"file://server/share/a", "file:a", "file://", "file:///a%2", "file:///a%zz", "file:///a%00b", "http://a/b"}) {
    const auto path = path_from_file_uri(uri);
    ASSERT_FALSE(path) << uri;
    EXPECT_EQ(path.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(path.error().message, HasSubstr(uri));
  }
}

TEST(Base64, DecodesAllVariants) {
  std::mt19937 random(static_cast<unsigned>(test::test_seed()));
  for (std::size_t size = 0; size < 70; ++size) {
    const auto bytes = test::pattern(size, static_cast<unsigned>(random()));
    for (const char* const last_two : {"+/", "-_"}) {
      for (const bool pad : {false, true}) {
        const auto text = encode_base64(bytes, last_two, pad);
        EXPECT_EQ(to_string(decode_base64(text).value()), bytes);
        std::string wrapped;
        for (std::size_t i = 0; i < text.size(); i += 19) wrapped += text.substr(i, 19) + " \r\n\t";
        EXPECT_EQ(to_string(decode_base64(wrapped).value()), bytes);
      }
    }
  }
}

TEST(Base64, NamesTheFirstWrongCharacter) {
  const auto message = [](std::string_view text) {
    const auto result = decode_base64(text);
    EXPECT_FALSE(result) << text;
    if (result) return std::string();
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    return result.error().message;
  };
  EXPECT_THAT(message("AAAA*AAA*"), AllOf(HasSubstr("'*'"), HasSubstr("character 5 ")));
  EXPECT_THAT(message("AA\xC3\xBC"), AllOf(HasSubstr("0xC3"), HasSubstr("character 3 ")));
  EXPECT_THAT(message("AAA=A"), HasSubstr("character 5 "));
  EXPECT_THAT(message("AAAAA"), HasSubstr("after character 5"));
  EXPECT_THAT(message("AA="), HasSubstr("character 3 "));
  EXPECT_THAT(message("AAAA="), HasSubstr("character 5 "));
}

TEST(ReadSource, ReadsFiles) {
  const ScratchFolder folder;
  const auto path = folder.path() / "ä photo 100%.jpg";
  std::ofstream(path) << "content";
  EXPECT_EQ(to_string(read_source(path.string(), {}).value()), "content");
  const auto uri = "file://" + folder.path().string() + "/%C3%A4%20photo%20100%25.jpg";
  EXPECT_EQ(to_string(read_source(uri, {}).value()), "content");
}

TEST(ReadSource, NamesMissingFilesAndFolders) {
  const ScratchFolder folder;
  for (const char* const text : {"photo.jpg", "cat", "/no/such/photo.jpg", "C:\\photo.jpg", "file:///no/such.jpg",
                                 "aGVsbG8=", "folder with spaces/photo"}) {
    const auto error = error_of(text);
    EXPECT_EQ(error.code, ErrorCode::kFileNotFound) << error.message;
    EXPECT_THAT(error.message, HasSubstr(text));
  }
  const auto error = error_of(folder.path().string());
  EXPECT_EQ(error.code, ErrorCode::kIoError);
  EXPECT_THAT(error.message, HasSubstr(folder.path().string()));
}

TEST(ReadSource, ReadsDataUrisAndBase64) {
  const auto read = [](const std::string& text) { return to_string(read_source(text, {}).value()); };
  EXPECT_EQ(read("data:image/png;base64,aGVsbG8="), "hello");
  EXPECT_EQ(read("DATA:image/png;charset=x;BASE64,aGVs\nbG8%3D"), "hello");
  EXPECT_EQ(read("data:,a%20b%00c+"), std::string("a b\0c+", 6));
  EXPECT_EQ(read("data:,"), "");
  const auto bytes = fmt::format("{}{}", "\xFF\xD8\xFF", test::pattern(3000));
  EXPECT_EQ(read(encode_base64(bytes, "-_", false)), bytes);
  EXPECT_EQ(read(fmt::format("\n{}", encode_base64(bytes, "+/", true))), bytes);
}

TEST(ReadSource, NamesWhatIsWrongInBase64) {
  auto text = encode_base64(fmt::format("{}{}", "\xFF\xD8\xFF", test::pattern(30'000)), "+/", true);
  text[20'000] = '!';
  const auto error = error_of(text);
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, AllOf(HasSubstr("/9j/"), HasSubstr("character 20001"), HasSubstr("40004 characters")));
  EXPECT_LT(error.message.size(), 250U);

  for (const char* const uri : {"data:image/png;base64,iVB*", "data:image/png", "data:,100%"}) {
    const auto bad = error_of(uri);
    EXPECT_EQ(bad.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(bad.message, HasSubstr(uri));
  }
  EXPECT_EQ(error_of("not_a_valid_uri://bad").code, ErrorCode::kInvalidArgument);
}

TEST(ReadSource, FetchesUrls) {
  const HttpServer server([](const HttpRequest& request) {
    if (request.target == "/a%20photo%C3%BC.jpg?k=1") return HttpReply{.body = "content"};
    return HttpReply{.status = 404};
  });
  EXPECT_EQ(to_string(read_source(server.url("/a photoü.jpg?k=1#part"), {}).value()), "content");
  EXPECT_EQ(to_string(read_source(" " + server.url("/a photoü.jpg?k=1") + " \n", {}).value()), "content");
  const auto error = error_of(server.url("/gone?token=secret"));
  EXPECT_EQ(error.code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(error.message, AllOf(HasSubstr(server.url("/gone")), HasSubstr("404"), Not(HasSubstr("secret"))));
}

TEST(ReadSource, RefusesLargeDownloadsByTheirHeader) {
  const HttpServer server([](const HttpRequest&) {
    return HttpReply{.body = "x", .content_length = kMaxEncodedImageBytes + 1, .hang = true};
  });
  const auto error = error_of(server.url("/large"));
  EXPECT_EQ(error.code, ErrorCode::kLimitExceeded);
  EXPECT_THAT(error.message, HasSubstr(server.url("/large")));
}

TEST(DescribeSource, TellsKindTextAndPath) {
  const auto file = describe_source("file:///a%20b/c.jpg").value();
  EXPECT_EQ(file.kind, SourceKind::kFileUri);
  EXPECT_EQ(file.path, "/a b/c.jpg");
  EXPECT_EQ(describe_source("a/b.jpg")->path, "a/b.jpg");
  const auto url = describe_source("https://me:secret@h/a.jpg?key=1").value();
  EXPECT_EQ(url.kind, SourceKind::kHttpUrl);
  EXPECT_EQ(url.path, "");
  EXPECT_EQ(url.shown.find("secret"), std::string::npos);
  EXPECT_LT(describe_source("data:image/png;base64," + std::string(10'000, 'A'))->shown.size(), 130U);
  EXPECT_EQ(describe_source("file://elsewhere/a").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(describe_source("").error().code, ErrorCode::kInvalidArgument);
}

TEST(DisplaySource, IsShortAndTellsNoSecrets) {
  EXPECT_EQ(display_source("http://me:pa@ss@host:80/a.jpg?sig=1#x"), "http://host:80/a.jpg?…");
  EXPECT_EQ(display_source("https://host?sig=a@b"), "https://host?…");
  EXPECT_EQ(display_source("a\nb\tc"), "a b c");
  EXPECT_EQ(display_source("C:\\a b.jpg"), "C:\\a b.jpg");
  const auto long_path = fmt::format("/first/{}/last.jpg", std::string(500, 'x'));
  EXPECT_THAT(display_source(long_path), AllOf(HasSubstr("/first/"), HasSubstr("/last.jpg")));
  std::string umlauts;
  for (int i = 0; i < 300; ++i) umlauts += "ü";
  for (const auto& text :
       {umlauts, fmt::format("a{}", umlauts), long_path, fmt::format("data:,{}", umlauts), std::string(100'000, 'x')}) {
    const auto shown = display_source(text);
    EXPECT_LE(shown.size(), 120U);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const auto byte = static_cast<unsigned char>(shown[i]);
      if (byte == 0xC3) {
        ASSERT_EQ(static_cast<unsigned char>(shown[++i]), 0xBC) << "a character was cut in half";
      } else {
        ASSERT_NE(byte, 0xBC) << "a character was cut in half";
      }
    }
  }
}

TEST(Url, OriginIsReplaced) {
  const auto replaced = [](std::string_view origin) { return replace_origin("https://host/a/b?c", origin, "$M"); };
  EXPECT_EQ(replaced("http://mirror:8080"), "http://mirror:8080/a/b?c");
  EXPECT_EQ(replaced("https://mirror/folder//"), "https://mirror/folder/a/b?c");
  for (const char* const bad : {"mirror.example", "ftp://x", "http://", "http:///a", "http://x?y"}) {
    const auto result = replaced(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(result.error().message, HasSubstr("$M"));
  }
}

TEST(Sha256, KnowsTheStandardsExamples) {
  // FIPS 180-4 examples of NIST's cryptographic standards and guidelines.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(normalize_sha256(std::string(64, 'A')), std::string(64, 'a'));
  EXPECT_EQ(normalize_sha256("abc").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(normalize_sha256(std::string(64, 'g')).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace silhouette
