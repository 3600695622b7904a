// Drives the contender as bench/peers/compare.py does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/hash_random.hpp"
#include "cli/process.hpp"
#include "support/support.hpp"

namespace silhouette {
namespace {

using test::source_file;
using Json = nlohmann::json;

struct Session {
  int exit_code = -1;
  std::vector<Json> replies;
};

Session talk(std::vector<std::string> arguments, const std::string& commands) {
  test::Invocation invocation;
  invocation.arguments = std::move(arguments);
  invocation.input = commands;
  const auto finished = test::run_silhouette(std::move(invocation));
  Session session;
  session.exit_code = finished.exit_code;
  std::istringstream lines(finished.out);
  for (std::string line; std::getline(lines, line);) session.replies.push_back(Json::parse(line));
  return session;
}

template <typename T>
std::vector<T> read_values(const std::filesystem::path& path) {
  const auto bytes = test::read_bytes(path);
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

std::string tiny_model() {
  return source_file("tests/data/models/tiny_plain.pte").string();
}

class NetworkContender : public ::testing::TestWithParam<std::string> {
 protected:
  /// Test input 0 of that many values as a file.
  std::string write_input(std::size_t count) const {
    auto path = folder_.path() / "input";
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = hash_random(1000, i);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(count * sizeof(float)));
    return path.string();
  }

  test::ScratchFolder folder_;
};

TEST_P(NetworkContender, RunsWhatItIsAskedForAndGivesTheNetworksResult) {
  const auto golden = test::read_npy_float(source_file("tests/golden/tiny/tiny_plain.npy"));
  const auto out = folder_.path() / "output";
  const auto input = write_input(3 * golden.shape.at(2) * golden.shape.at(3));
  const auto session = talk({"network", GetParam(), tiny_model(), "2"},
                            "input " + input + "\nrun 3\nrun 1\nmemory\noutput " + out.string() + "\n");
  EXPECT_EQ(session.exit_code, 0);
  ASSERT_EQ(session.replies.size(), 6U);
  EXPECT_FALSE(session.replies[0].at("name").get<std::string>().empty());
  EXPECT_GT(session.replies[0].at("load_ms").get<double>(), 0);
  EXPECT_GT(session.replies[0].at("idle_mb").get<double>(), 0);
  EXPECT_EQ(session.replies[2].at("ms").size(), 3U);
  EXPECT_EQ(session.replies[3].at("ms").size(), 1U);
  for (const auto& time : session.replies[2].at("ms")) EXPECT_GT(time.get<double>(), 0);
  EXPECT_GE(session.replies[4].at("peak_mb").get<double>(), session.replies[4].at("rss_mb").get<double>());

  const auto [low, high] = std::ranges::minmax(golden.values);
  EXPECT_THAT(read_values<float>(out), ::testing::Pointwise(::testing::FloatNear(1e-5F * (high - low)), golden.values));
}

TEST_P(NetworkContender, RefusesAnInputOfAnotherSize) {
  const auto session = talk({"network", GetParam(), tiny_model(), "1"}, "input " + write_input(5) + "\nrun 1\n");
  EXPECT_EQ(session.exit_code, 1);
  ASSERT_EQ(session.replies.size(), 2U);
  EXPECT_THAT(session.replies[1].at("error").get<std::string>(), ::testing::HasSubstr("20 bytes"));
}

TEST_P(NetworkContender, TellsThatAModelIsMissing) {
  const auto session = talk({"network", GetParam(), (folder_.path() / "none.pte").string(), "1"}, "");
  EXPECT_EQ(session.exit_code, 1);
  ASSERT_EQ(session.replies.size(), 1U);
  EXPECT_FALSE(session.replies[0].at("error").get<std::string>().empty());
}

std::vector<std::string> engines() {
#ifdef SILHOUETTE_WITH_EXECUTORCH
  return {"auto", "executorch", "executorch-alone"};
#else
  return {"auto"};
#endif
}

INSTANTIATE_TEST_SUITE_P(Engines, NetworkContender, ::testing::ValuesIn(engines()), [](const auto& test) {
  auto name = test.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(PhotoContender, GivesTheClassesAtThePhotosSize) {
  const test::ScratchFolder folder;
  const auto out = folder.path() / "classes";
  const auto session =
      talk({"photo", "auto", source_file("models/deeplab_v3_mobilenet_v2.pte").string(), "2"},
           "input " + source_file("models/samples/chelsea.png").string() + "\nrun 1\noutput " + out.string() + "\n");
  EXPECT_EQ(session.exit_code, 0);
  ASSERT_EQ(session.replies.size(), 4U);
  const auto golden = test::read_gray_png(source_file("tests/golden/pipeline/chelsea/original_argmax.png"));
  const auto classes = read_values<std::int32_t>(out);
  ASSERT_EQ(classes.size(), golden.values.size());
  std::size_t equal = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) equal += classes[i] == golden.values[i] ? 1U : 0U;
  EXPECT_GE(static_cast<double>(equal) / static_cast<double>(classes.size()), 0.999);
}

TEST(Contender, TellsWhichCommandItDoesNotKnow) {
  for (const std::string command : {"dance", "run", "run 0", "run 2x"}) {
    const auto session = talk({"network", "auto", tiny_model(), "1"}, command + "\nmemory\n");
    EXPECT_EQ(session.exit_code, 1) << command;
    ASSERT_EQ(session.replies.size(), 2U) << command;
    EXPECT_THAT(session.replies[1].at("error").get<std::string>(),
                ::testing::HasSubstr(command.substr(0, command.find(' '))));
  }
}

TEST(Contender, WantsSoundArguments) {
  const std::vector<std::vector<std::string>> wrong{{},
                                                    {"network", "auto", tiny_model()},
                                                    {"network", "quick", tiny_model(), "1"},
                                                    {"song", "auto", tiny_model(), "1"},
                                                    {"network", "auto", tiny_model(), "0"},
                                                    {"photo", "executorch-alone", tiny_model(), "1"}};
  for (const auto& arguments : wrong) {
    const auto finished = test::run_silhouette(arguments);
    EXPECT_EQ(finished.exit_code, 2);
    EXPECT_THAT(finished.err, ::testing::HasSubstr("usage"));
  }
}

}  // namespace
}  // namespace silhouette
