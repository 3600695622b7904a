#include <thread>

#include "fixture.hpp"
#include "server.hpp"

namespace silhouette::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kEmbedded = "DEEPLAB_V3_MOBILENET_V2_EMBEDDED";
constexpr const char* kRemote = "DEEPLAB_V3_RESNET50";

class CommandsTest : public CliTest {};

TEST_F(CommandsTest, ModelsListTellsWhichAreHere) {
  const auto finished = run({"models", "list"});
  EXPECT_THAT(finished, Succeeded());
  EXPECT_THAT(finished.out, ::testing::StartsWith(kEmbedded));
  EXPECT_THAT(finished.out, HasSubstr(kRemote));

  const auto list = run({"models", "list", "--json"});
  EXPECT_THAT(list, Succeeded());
  const auto models = nlohmann::json::parse(list.out);
  ASSERT_GE(models.size(), 2U);
  EXPECT_EQ(models[0]["name"], kEmbedded);
  EXPECT_EQ(models[0]["available"], true);
  EXPECT_EQ(models[0]["bytes"], fs::file_size(source_file("models/deeplab_v3_mobilenet_v2.pte")));
  for (const auto& model : models) {
    if (model["name"] != kRemote) continue;
    EXPECT_EQ(model["available"], false);
    EXPECT_THAT(model["url"], ::testing::StartsWith("https://"));
  }
}

TEST_F(CommandsTest, ModelsPathFindsTheEmbeddedModel) {
  const auto finished = run({"models", "path", kEmbedded});
  EXPECT_THAT(finished, Succeeded());
  ASSERT_TRUE(finished.out.ends_with(".pte\n"));
  const fs::path file = finished.out.substr(0, finished.out.size() - 1);
  EXPECT_EQ(read_bytes(file), read_bytes(source_file("models/deeplab_v3_mobilenet_v2.pte")));
}

TEST_F(CommandsTest, ModelsPathDoesNotDownload) {
  EXPECT_THAT(run({"models", "path", kRemote}), FailedWith(5, kRemote));
  EXPECT_THAT(run({"models", "path", "NO_SUCH_MODEL"}), FailedWith(2, "NO_SUCH_MODEL"));
}

TEST_F(CommandsTest, ModelsFetchOfALocalModelNeedsNoNetwork) {
  const auto finished = run({"models", "fetch", kEmbedded});
  EXPECT_THAT(finished, Succeeded());
  EXPECT_EQ(finished.out, run({"models", "path", kEmbedded}).out);
}

TEST_F(CommandsTest, ModelsFetchReportsEachFailureAndGoesOn) {
  const auto finished = run({"models", "fetch", "http://127.0.0.1:1/model.pte", kEmbedded});
  EXPECT_THAT(finished, FailedWith(1, "127.0.0.1:1"));
  EXPECT_THAT(finished.out, HasSubstr(".pte"));
  EXPECT_THAT(run({"models", "fetch", "http://127.0.0.1:1/model.pte"}), FailedWith(6, "127.0.0.1:1"));
}

TEST_F(CommandsTest, ModelsFetchRefusesABodyThatIsCutShort) {
  const auto bytes = read_bytes(source_file("tests/data/models/tiny_plain.pte"));
  const std::string half(reinterpret_cast<const char*>(bytes.data()), bytes.size() / 2);
  Server server;
  // Without a length, the end of the connection is the end of the body.
  std::jthread answering([&] { server.answer("HTTP/1.0 200 OK\r\n\r\n" + half); });
  EXPECT_THAT(run({"models", "fetch", server.url("/model.pte")}), FailedWith(3, "cut off"));
  EXPECT_THAT(run({"models", "path", server.url("/model.pte")}), FailedWith(5, "model.pte"));
}

TEST_F(CommandsTest, ModelsRmRemovesDownloadsOnly) {
  const auto finished = run({"models", "rm", kRemote});
  EXPECT_THAT(finished, Succeeded());
  EXPECT_THAT(finished.out, HasSubstr("wasn't downloaded"));
  EXPECT_THAT(run({"models", "rm", kEmbedded}), FailedWith(2, kEmbedded));
  EXPECT_TRUE(fs::exists(source_file("models/deeplab_v3_mobilenet_v2.pte")));
}

TEST_F(CommandsTest, TheCacheIsListedMeasuredRemovedAndPruned) {
  const auto list = [&] { return nlohmann::json::parse(run({"models", "cache", "list", "--json"}).out); };
  EXPECT_EQ(list(), nlohmann::json::array());
  EXPECT_THAT(run({"models", "cache", "size"}).out, HasSubstr("0 bytes"));
  write("cache/models/mine-0123456789abcdef.pte", std::string(3000, 'x'));
  write("cache/models/half-0123456789abcdef.pte.part", std::string(500, 'x'));
  const auto both = list();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0]["complete"], false);
  EXPECT_EQ(both[1]["bytes"], 3000);
  EXPECT_EQ(both[1]["path"], path("cache/models/mine-0123456789abcdef.pte").string());
  EXPECT_GT(both[1]["last_used"], 1'600'000'000);
  EXPECT_THAT(run({"models", "cache", "list"}).out, HasSubstr("unfinished"));
  EXPECT_THAT(run({"models", "cache", "size"}).out, HasSubstr("3500 bytes"));
  // The list of models knows whole downloads only.
  const auto models = nlohmann::json::parse(run({"models", "list", "--json"}).out);
  EXPECT_EQ(models.back()["path"], both[1]["path"]);
  EXPECT_THAT(run({"models", "list"}).out, HasSubstr("mine-0123456789abcdef.pte"));
  EXPECT_THAT(run({"models", "list"}).out, ::testing::Not(HasSubstr("half")));

  const auto pruned = run({"models", "cache", "prune"});
  EXPECT_THAT(pruned, Succeeded());
  EXPECT_THAT(pruned.out, HasSubstr("half-0123456789abcdef.pte removed"));
  EXPECT_EQ(list().size(), 1U);
  EXPECT_THAT(run({"models", "cache", "prune", "--max-size", "3kB", "--unused", "1"}).out, HasSubstr("0 B freed"));
  EXPECT_EQ(list().size(), 1U);
  EXPECT_THAT(run({"models", "cache", "prune", "--max-size", "2 kB"}).out, HasSubstr("mine-0123456789abcdef.pte"));
  EXPECT_EQ(list().size(), 0U);

  write("cache/models/mine-0123456789abcdef.pte", "x");
  EXPECT_THAT(run({"models", "cache", "remove", path("cache/models/mine-0123456789abcdef.pte").string()}), Succeeded());
  EXPECT_EQ(list().size(), 0U);
}

TEST_F(CommandsTest, InfoDescribesTheModel) {
  const auto finished = run({"info", kEmbedded});
  EXPECT_THAT(finished, Succeeded());
  for (const char* part : {"513 × 513", "21 channels", "20 TVMONITOR", "XnnpackBackend", "conv_2d", "file"}) {
    EXPECT_THAT(finished.out, HasSubstr(part));
  }
  const auto json = run({"info", "--json"});
  EXPECT_THAT(json, Succeeded());
  const auto model = nlohmann::json::parse(json.out);
  EXPECT_EQ(model["model"], kEmbedded);
  EXPECT_EQ(model["input"]["width"], 513);
  EXPECT_EQ(model["output"]["channels"], 21);
  EXPECT_EQ(model["labels"].size(), 21U);
  EXPECT_EQ(model["labels_origin"], "file");
  EXPECT_EQ(model["normalization_origin"], "file");
  EXPECT_FALSE(model["engine"].get<std::string>().empty());
  EXPECT_FALSE(model["engine_reason"].get<std::string>().empty());
  EXPECT_FALSE(model["operators"].empty());
}

TEST_F(CommandsTest, InfoTellsWhatTheCallerDecided) {
  const auto json = run({"info", kEmbedded, "--json", "--mean", "0.25, 0.5,1", "--std", "2,1,1"});
  EXPECT_THAT(json, Succeeded());
  const auto model = nlohmann::json::parse(json.out);
  EXPECT_EQ(model["normalization"]["mean"], nlohmann::json({0.25, 0.5, 1.0}));
  EXPECT_EQ(model["normalization"]["std"], nlohmann::json({2.0, 1.0, 1.0}));
  EXPECT_EQ(model["normalization_origin"], "caller");
}

TEST_F(CommandsTest, InfoListsTheNetworksSteps) {
  const auto finished = run({"info", "--graph"});
  EXPECT_THAT(finished, Succeeded());
  for (const char* part : {"513 × 513", "as the file has it", "resize_bilinear aligned (",
                           "As the native engine runs it", "fuse-additions", "million multiply-adds"}) {
    EXPECT_THAT(finished.out, HasSubstr(part));
  }
  const auto json = run({"info", kEmbedded, "--graph", "--json"});
  EXPECT_THAT(json, Succeeded());
  const auto network = nlohmann::json::parse(json.out)["network"];
  EXPECT_GT(network["steps"].size(), network["rewritten_steps"].size());
  EXPECT_GT(network["multiply_adds"], network["rewritten_multiply_adds"]);
  EXPECT_GT(network["rewritten_multiply_adds"], 2'500'000'000);

  const std::string quantised = source_file("tests/data/models/tiny_int8.pte").string();
  const auto described = run({"info", quantised});
  EXPECT_THAT(described, Succeeded());
  const auto unlisted = run({"info", quantised, "--graph"});
  EXPECT_THAT(unlisted,
              FailedWith(3, "can't be listed: method 'forward': delegate 0: node 0 (convert): it is quantised"));
  EXPECT_EQ(unlisted.out, described.out);
  const auto unlisted_json = run({"info", quantised, "--graph", "--json"});
  EXPECT_THAT(unlisted_json, FailedWith(3, "can't be listed"));
  EXPECT_TRUE(nlohmann::json::parse(unlisted_json.out).at("network").is_null());
}

TEST_F(CommandsTest, TheEnvironmentLimitsTheInstructionSet) {
  const std::string model = source_file("tests/data/models/tiny_plain.pte").string();
  const auto with = [&](const std::string& set, std::vector<std::string> arguments) {
    Invocation with_it = invocation(std::move(arguments));
    with_it.environment.emplace_back("SILHOUETTE_ISA", set);
    return run_silhouette(std::move(with_it));
  };
  const auto text = with("portable", {"info", model});
  EXPECT_THAT(text, Succeeded());
  EXPECT_THAT(text.out, HasSubstr("runs on   portable"));
  for (const char* command : {"info", "bench"}) {
    const auto json = with("portable", {command, model, "--json"});
    EXPECT_THAT(json, Succeeded());
    EXPECT_EQ(nlohmann::json::parse(json.out)["instructions"], "portable");
  }
  for (const char* engine : {"native", "executorch"}) {
    const auto wrong = with("avx3", {"bench", model, "--engine", engine});
    EXPECT_EQ(wrong.exit_code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("SILHOUETTE_ISA is 'avx3'; this processor has: "));
    EXPECT_THAT(wrong.err, HasSubstr("portable"));
  }
}

TEST_F(CommandsTest, BenchMeasuresTheNetwork) {
  const std::string model = source_file("tests/data/models/tiny_plain.pte").string();
  const auto finished = run({"bench", model, "--runs", "5", "--threads", "1", "--engine", "executorch", "--json"});
  EXPECT_THAT(finished, Succeeded());
  const auto measured = nlohmann::json::parse(finished.out);
  EXPECT_EQ(measured["engine"], "executorch");
  EXPECT_EQ(measured["threads"], 1);
  EXPECT_EQ(measured["runs"], 5);
  EXPECT_GT(measured["min_ms"], 0);
  EXPECT_GE(measured["median_ms"], measured["min_ms"]);
  EXPECT_GT(measured["load_ms"], 0);
  EXPECT_GT(measured["rss_mb"], 1);

  const auto profile =
      run({"bench", model, "--runs", "2", "--threads", "2", "--engine", "native", "--memory", "low", "--profile"});
  EXPECT_THAT(profile, Succeeded());
  for (const char* part : {"GFLOP/s", "peak", "convolution", "all steps"}) EXPECT_THAT(profile.out, HasSubstr(part));
  const auto profile_json = nlohmann::json::parse(run({"bench", model, "--runs", "1", "--profile", "--json"}).out);
  EXPECT_GT(profile_json["peak_gflops"].get<double>(), 0);
  EXPECT_GT(profile_json["steps"].size(), 1U);
  EXPECT_THAT(run({"bench", model, "--profile", "--engine", "executorch"}).err, HasSubstr("native engine"));
  const auto text = run({"bench", model, "--runs", "1"});
  EXPECT_THAT(text, Succeeded());
  EXPECT_THAT(text.out, HasSubstr("ms median"));
}

}  // namespace
}  // namespace silhouette::test
