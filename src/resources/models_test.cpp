#include "resources/models.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <thread>

#include "resources/cache.hpp"
#include "resources/file_lock.hpp"
#include "resources/partial_file.hpp"
#include "resources/sha256.hpp"
#include "resources/test_util.hpp"
#include "silhouette/labels.hpp"
#include "support/http_server.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::HttpReply;
using test::HttpRequest;
using test::HttpServer;
using test::ScopedEnv;
using test::ScratchFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// Bytes with the head of a .pte file.
std::string model_bytes(std::size_t size = 500'000) {
  auto bytes = test::pattern(size);
  bytes.replace(4, 4, "ET12");
  return bytes;
}

/// A format of these tests' own: the head of model_bytes(), and any size but one.
constexpr std::size_t kCutShort = 400'000;

Result<void> check_bytes(std::span<const std::byte> file, std::string_view name) {
  const auto text = std::string_view(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.size() != kCutShort && text.size() > 8 && text.substr(4, 4) == "ET12") return {};
  return fail(ErrorCode::kInvalidModel, fmt::format("'{}' is cut off", name));
}

ModelFetch impatient() {
  ModelFetch fetch;
  fetch.check = check_bytes;
  fetch.limits.first_delay = std::chrono::milliseconds(0);
  return fetch;
}

class Models : public ::testing::Test {
 protected:
  Result<LocalModel> resolve(const std::string& source, const ModelFetch& fetch = impatient()) {
    fractions_.clear();
    return resolve_model(source, folder(), [this](double fraction) { fractions_.push_back(fraction); }, {}, fetch);
  }

  void expect_proper_progress() const {
    ASSERT_GE(fractions_.size(), 2U);
    EXPECT_EQ(fractions_.front(), 0);
    EXPECT_EQ(fractions_.back(), 1);
    EXPECT_TRUE(std::ranges::is_sorted(fractions_));
    EXPECT_EQ(std::ranges::count(fractions_, 1.0), 1);
  }

  std::string folder() const { return (folder_.path() / "cache").string(); }

  ScratchFolder folder_;
  std::vector<double> fractions_;
};

TEST(Registry, HasTheFilesOfTheReference) {
  const std::string hub = "https://huggingface.co/software-mansion/react-native-executorch";
  EXPECT_EQ(registered_models().front().name, kDeeplabV3MobilenetV2Embedded);
  EXPECT_EQ(find_model("DEEPLAB_V3_RESNET50")->url,
            hub + "-deeplab-v3/resolve/v0.7.0/xnnpack/deeplabV3_xnnpack_fp32.pte");
  EXPECT_EQ(find_model("DEEPLAB_V3_RESNET50_520_QUANTIZED")->url,
            hub + "-deeplab-v3/resolve/v0.9.0/xnnpack/deeplab_v3_resnet50_xnnpack_int8.pte");
  EXPECT_EQ(find_model("LRASPP_MOBILENET_V3_LARGE")->url,
            hub + "-lraspp/resolve/v0.9.0/xnnpack/lraspp_mobilenet_v3_large_xnnpack_fp32.pte");
  EXPECT_EQ(find_model("FCN_RESNET101_QUANTIZED")->url,
            hub + "-fcn/resolve/v0.9.0/xnnpack/fcn_resnet101_xnnpack_int8.pte");
  EXPECT_THAT(find_model(kSelfieSegmentation)->labels, ElementsAre("BACKGROUND", "FOREGROUND"));
  EXPECT_THAT(find_model(kDeeplabV3Resnet50)->labels, ::testing::ElementsAreArray(kDeeplabLabelNames));
  EXPECT_EQ(find_model("deeplab_v3_resnet50"), nullptr);
  EXPECT_EQ(find_model(""), nullptr);
}

TEST(Registry, IsConsistent) {
  std::set<std::string_view> names;
  std::set<std::string_view> urls;
  for (const auto& entry : registered_models()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(find_model(entry.name), &entry);
    EXPECT_NE(entry.url.empty(), entry.file.empty()) << entry.name;
    if (!entry.url.empty()) {
      EXPECT_TRUE(urls.insert(entry.url).second) << entry.url;
    }
    EXPECT_EQ(entry.name.ends_with("_QUANTIZED"), entry.url.ends_with("_int8.pte")) << entry.name;
    EXPECT_FALSE(entry.description.empty());
    for (const float std : entry.normalization.std) EXPECT_GT(std, 0);
  }
  EXPECT_EQ(names.size(), 17U);
}

TEST(CacheDirectory, FollowsItsRules) {
  const ScopedEnv cache("SILHOUETTE_CACHE", "/from/env");
  const ScopedEnv xdg("XDG_CACHE_HOME", "/xdg");
  const ScopedEnv home("HOME", "/home/me");
  EXPECT_EQ(cache_directory("/chosen"), std::filesystem::path("/chosen"));
  EXPECT_EQ(cache_directory(""), std::filesystem::path("/from/env"));
  const ScopedEnv no_cache("SILHOUETTE_CACHE", std::nullopt);
  EXPECT_EQ(cache_directory(""), std::filesystem::path("/xdg/silhouette"));
  const ScopedEnv relative_xdg("XDG_CACHE_HOME", "relative");
  EXPECT_EQ(cache_directory(""), std::filesystem::path("/home/me/.cache/silhouette"));
}

TEST(CachedFile, IsReadableAndUnique) {
  const auto name = [](const std::string& url) { return cached_file("/c", url).filename().string(); };
  EXPECT_EQ(cached_file("/c", "http://h/x.pte").parent_path(), "/c/models");
  EXPECT_THAT(name("http://h/a/deeplab_v3.pte"), ::testing::MatchesRegex("deeplab_v3-[0-9a-f]{16}\\.pte"));
  EXPECT_NE(name("http://h/a/m.pte"), name("http://h/b/m.pte"));
  EXPECT_NE(name("http://h/m.pte?a"), name("http://h/m.pte?b"));
  EXPECT_THAT(name("http://h/..%2F..?x/y"), ::testing::MatchesRegex("___2F__-[0-9a-f]{16}\\.pte"));
  EXPECT_THAT(name("http://h"), ::testing::MatchesRegex("model-[0-9a-f]{16}\\.pte"));
  EXPECT_LT(name("http://h/" + std::string(5000, 'x')).size(), 110U);
}

TEST(ModelDirectories, StartWithTheOverrideAndHaveTheOneBesideTheProgram) {
  const ScopedEnv chosen("SILHOUETTE_MODELS", "/chosen");
  const auto folders = model_directories();
  EXPECT_EQ(folders.front(), "/chosen");
  EXPECT_THAT(folders, ::testing::Contains(std::filesystem::canonical("/proc/self/exe").parent_path() / "models"));
}

TEST_F(Models, TheEmbeddedOneIsFound) {
  const auto model = resolve(std::string(kDeeplabV3MobilenetV2Embedded));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_TRUE(std::filesystem::is_regular_file(model->path));
  EXPECT_EQ(model->entry, find_model(kDeeplabV3MobilenetV2Embedded));
  EXPECT_THAT(fractions_, ElementsAre(0, 1));
  std::ofstream(folder_.path() / model->entry->file) << "x";
  EXPECT_TRUE(model->ours);
  const ScopedEnv chosen("SILHOUETTE_MODELS", folder_.path().string());
  EXPECT_EQ(resolve(std::string(kDeeplabV3MobilenetV2Embedded))->path, folder_.path() / model->entry->file);
}

TEST_F(Models, LocalFilesAreFound) {
  const auto path = folder_.path() / "my model.pte";
  std::ofstream(path) << "abc";
  EXPECT_EQ(resolve(path.string())->path, path);
  EXPECT_FALSE(resolve(path.string())->ours);
  EXPECT_THAT(fractions_, ElementsAre(0, 1));
  EXPECT_EQ(resolve("file://" + folder_.path().string() + "/my%20model.pte")->path, path);
  EXPECT_EQ(find_local_model(path.string(), folder())->path, path);

  auto fetch = impatient();
  fetch.sha256 = sha256_hex("abc").value();
  EXPECT_TRUE(resolve(path.string(), fetch));
  fetch.sha256 = std::string(64, 'a');
  const auto wrong = resolve(path.string(), fetch);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidModel);
  EXPECT_THAT(wrong.error().message, AllOf(HasSubstr("my model.pte"), HasSubstr(fetch.sha256), HasSubstr("ba7816bf")));
}

TEST_F(Models, WhatIsNoModelIsNamed) {
  const std::vector<std::pair<std::string, ErrorCode>> cases = {
      {"/no/such.pte", ErrorCode::kFileNotFound},        {"such.pte", ErrorCode::kFileNotFound},
      {"file:///no/such.pte", ErrorCode::kFileNotFound}, {"C:\\such.pte", ErrorCode::kFileNotFound},
      {"DEEPLAB_V4", ErrorCode::kInvalidArgument},       {"not_a_valid_uri://bad", ErrorCode::kInvalidArgument},
      {"data:,abc", ErrorCode::kInvalidArgument},        {"", ErrorCode::kInvalidArgument},
      {folder_.path().string(), ErrorCode::kIoError},    {"/dev/null", ErrorCode::kIoError},
  };
  for (const auto& [source, code] : cases) {
    const auto model = resolve(source);
    ASSERT_FALSE(model) << source;
    EXPECT_EQ(model.error().code, code) << model.error().message;
    EXPECT_THAT(model.error().message, HasSubstr(source));
  }
  EXPECT_THAT(resolve("deeplab-v3-resnet50").error().message, HasSubstr("did you mean DEEPLAB_V3_RESNET50?"));
  EXPECT_THAT(resolve("SELFIE_SEGMENTATON").error().message, HasSubstr("did you mean SELFIE_SEGMENTATION?"));
  EXPECT_THAT(resolve("unicorn").error().message, Not(HasSubstr("did you mean")));
  EXPECT_THAT(resolve("DEEPLAB_V4").error().message,
              AllOf(HasSubstr(std::string(kDeeplabV3Resnet50)), HasSubstr(std::string(kSelfieSegmentation))));
}

TEST_F(Models, ADownloadIsMadeOnceAndTellsItsProgress) {
  const auto bytes = model_bytes(3'000'000);
  std::string url;
  {
    const HttpServer server([&](const HttpRequest&) { return HttpReply{.body = bytes}; });
    url = server.url("/folder/model.pte?version=2");
    const auto missing = find_local_model(url, folder());
    EXPECT_EQ(missing.error().code, ErrorCode::kFileNotFound);
    EXPECT_THAT(missing.error().message, HasSubstr("/folder/model.pte"));

    const auto model = resolve(url);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->entry, nullptr);
    EXPECT_EQ(model->path, cached_file(folder(), url));
    EXPECT_EQ(test::file_text(model->path), bytes);
    expect_proper_progress();
  }
  // The server is gone.
  const auto model = resolve(url);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_THAT(fractions_, ElementsAre(0, 1));
  EXPECT_EQ(find_local_model(url, folder())->path, model->path);
  const auto listed = cache::list(folder()).value();
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].path, model->path);
  EXPECT_EQ(listed[0].bytes, bytes.size());

  EXPECT_EQ(cache::remove(url, folder()), true);
  EXPECT_EQ(cache::remove(url, folder()), false);
  EXPECT_THAT(cache::list(folder()).value(), IsEmpty());
  EXPECT_EQ(resolve(url).error().code, ErrorCode::kDownloadFailed);
}

TEST_F(Models, ProgressStaysProperWithoutLengthAndWithRestarts) {
  const auto bytes = model_bytes();
  int calls = 0;
  const HttpServer server([&](const HttpRequest& request) {
    HttpReply reply{.body = bytes};
    if (request.target == "/unknown") reply.omit_length = true;
    if (request.target == "/restart" && ++calls < 3) reply.body_only = bytes.size() * 2 / 3;
    return reply;
  });
  ASSERT_TRUE(resolve(server.url("/unknown")));
  EXPECT_THAT(fractions_, ElementsAre(0, 1));
  ASSERT_TRUE(resolve(server.url("/restart")));
  expect_proper_progress();
  EXPECT_GT(fractions_.size(), 2U);
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST_F(Models, AFailedDownloadNeverEndsWithOne) {
  const HttpServer server([](const HttpRequest& request) {
    if (request.target == "/page") return HttpReply{.body = "<!DOCTYPE html><title>Log in</title>"};
    return HttpReply{.body = model_bytes()};
  });
  const auto page = resolve(server.url("/page"));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kInvalidModel);
  EXPECT_THAT(page.error().message, AllOf(HasSubstr(server.url("/page")), HasSubstr("<!DOCTYPE html>")));
  EXPECT_THAT(fractions_, Not(::testing::Contains(1.0)));

  auto fetch = impatient();
  fetch.sha256 = std::string(64, 'a');
  EXPECT_EQ(resolve(server.url("/model"), fetch).error().code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(fractions_, Not(::testing::Contains(1.0)));
  EXPECT_THAT(cache::list(folder()).value(), IsEmpty());
  EXPECT_EQ(find_local_model(server.url("/page"), folder()).error().code, ErrorCode::kFileNotFound);
}

TEST_F(Models, ACachedFileWithAnotherSha256IsFetchedAgain) {
  auto bytes = model_bytes();
  const HttpServer server([&](const HttpRequest&) { return HttpReply{.body = bytes}; });
  const auto url = server.url("/model");
  ASSERT_TRUE(resolve(url));
  {
    const auto held = server.hold_handler();
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
  }
  auto fetch = impatient();
  fetch.sha256 = sha256_hex(bytes).value();
  const auto model = resolve(url, fetch);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(test::file_text(model->path), bytes);
  ASSERT_TRUE(resolve(url, fetch));
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Models, ABodyCutShortIsNeverKept) {
  const auto bytes = model_bytes();
  bool cut = true;
  const HttpServer server([&](const HttpRequest&) {
    return HttpReply{.body = cut ? bytes.substr(0, kCutShort) : bytes, .omit_length = true};
  });
  const auto url = server.url("/model");
  const auto model = resolve(url);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, ErrorCode::kInvalidModel);
  EXPECT_THAT(model.error().message, AllOf(HasSubstr(url), HasSubstr("cut off"), HasSubstr("400000 bytes")));
  EXPECT_THAT(cache::list(folder()).value(), IsEmpty());
  {
    const auto held = server.hold_handler();
    cut = false;
  }
  EXPECT_TRUE(resolve(url));
}

TEST_F(Models, ADamagedFileInTheCacheIsFetchedAnew) {
  const auto bytes = model_bytes();
  auto server = std::make_unique<HttpServer>([&](const HttpRequest&) { return HttpReply{.body = bytes}; });
  const auto url = server->url("/model");
  const auto path = cached_file(folder(), url);
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << bytes.substr(0, kCutShort);
  EXPECT_TRUE(find_local_model(url, folder()));
  const auto local = find_local_model(url, folder(), check_bytes);
  ASSERT_FALSE(local);
  EXPECT_EQ(local.error().code, ErrorCode::kFileNotFound);
  EXPECT_THAT(local.error().message, HasSubstr(path.string()));
  ASSERT_TRUE(resolve(url));
  EXPECT_EQ(test::file_text(path), bytes);
  ASSERT_TRUE(resolve(url));
  EXPECT_EQ(server->requests().size(), 1U);

  std::filesystem::remove(path);
  std::ofstream(path) << bytes.substr(0, kCutShort);
  server.reset();
  const auto offline = resolve(url);
  ASSERT_FALSE(offline);
  EXPECT_EQ(offline.error().code, ErrorCode::kDownloadFailed);
  EXPECT_THAT(offline.error().message, AllOf(HasSubstr(path.string()), HasSubstr("cut off")));
}

TEST_F(Models, OnlyFilesThatNobodyElseChangesAreOurs) {
  const HttpServer server([&](const HttpRequest&) { return HttpReply{.body = model_bytes()}; });
  const auto url = server.url("/model");
  const auto model = resolve(url);
  ASSERT_TRUE(model);
  EXPECT_TRUE(model->ours);
  EXPECT_TRUE(model->cached);
  const auto path = model->path;
  const auto permissions = std::filesystem::status(path).permissions();
  constexpr auto kWrite =
      std::filesystem::perms::owner_write | std::filesystem::perms::group_write | std::filesystem::perms::others_write;
  EXPECT_EQ(permissions & kWrite, std::filesystem::perms::none) << "not even by mistake";
  std::filesystem::permissions(path, permissions | std::filesystem::perms::others_write);
  EXPECT_FALSE(resolve(url)->ours);
  std::filesystem::permissions(path, permissions);
  EXPECT_TRUE(resolve(url)->ours);
  std::filesystem::rename(path, folder_.path() / "elsewhere.pte");
  std::filesystem::create_symlink(folder_.path() / "elsewhere.pte", path);
  EXPECT_FALSE(resolve(url)->ours);
}

TEST_F(Models, BlanksAroundASourceAreNoPartOfIt) {
  const HttpServer server([&](const HttpRequest&) { return HttpReply{.body = model_bytes()}; });
  const auto url = server.url("/model");
  const auto path = cached_file(folder(), url);
  for (const std::string& source : {" " + url, url + "\n", "\u00a0\ufeff" + url + " \t\u200b"}) {
    const auto model = resolve(source);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->path, path);
    EXPECT_EQ(find_local_model(source, folder())->path, path);
    EXPECT_EQ(download_of(source, folder()), path);
  }
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_TRUE(resolve(" " + std::string(kDeeplabV3MobilenetV2Embedded) + "\n"));
  const auto blank = folder_.path() / "m.pte ";
  std::ofstream(blank) << "abc";
  EXPECT_EQ(resolve(blank.string())->path, blank) << "a file may be called so";
}

TEST_F(Models, LeftoversAreNeverTakenForAModel) {
  const auto bytes = model_bytes();
  const HttpServer server([&](const HttpRequest& request) { return test::serve_ranges(request, bytes, "\"v1\""); });
  const auto url = server.url("/model");
  const auto path = cached_file(folder(), url);
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(partial_path(path)) << bytes.substr(0, 1000);
  std::ofstream(lock_path(path)) << "";
  EXPECT_EQ(find_local_model(url, folder()).error().code, ErrorCode::kFileNotFound);
  EXPECT_THAT(cache::list(folder()).value(), ElementsAre(::testing::Field(&CachedModel::complete, false)));
  ASSERT_TRUE(resolve(url));
  EXPECT_EQ(test::file_text(path), bytes);
}

TEST_F(Models, TheMirrorStandsInForTheHost) {
  const auto bytes = model_bytes();
  const HttpServer server([&](const HttpRequest&) { return HttpReply{.body = bytes}; });
  const auto* const entry = find_model(kDeeplabV3Resnet50);
  {
    const ScopedEnv mirror("SILHOUETTE_MODEL_HOST", server.url("/mirror/"));
    const auto model = resolve(std::string(entry->name));
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->entry, entry);
    EXPECT_EQ(model->path, cached_file(folder(), std::string(entry->url)));
    EXPECT_EQ(server.requests().at(0).target,
              "/mirror/software-mansion/react-native-executorch-deeplab-v3/resolve/v0.7.0/xnnpack/"
              "deeplabV3_xnnpack_fp32.pte");
  }
  // What a mirror gave is the model, by its name or its URL, mirror or not.
  EXPECT_EQ(resolve(std::string(entry->url))->entry, entry);
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(cache::remove(std::string(entry->name), folder()), true);

  const ScopedEnv broken("SILHOUETTE_MODEL_HOST", "mirror.example");
  const auto error = resolve(std::string(entry->name)).error();
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, AllOf(HasSubstr("SILHOUETTE_MODEL_HOST"), HasSubstr("mirror.example")));
}

TEST_F(Models, ACancelledDownloadSaysSo) {
  const HttpServer server([](const HttpRequest&) { return HttpReply{.send_only = 0, .hang = true}; });
  std::stop_source stop;
  std::jthread canceller([&] {
    server.wait_for_requests(1);
    stop.request_stop();
  });
  const auto result = resolve_model(server.url("/model"), folder(), {}, stop.get_token());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace silhouette
