#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <regex>

#include "fixture.hpp"

namespace silhouette::test {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// What the system refuses, and what callers hand over that isn't as usual.
class FaultsTest : public CliTest {
 protected:
  /// A call as a user without rights, who has no other processes: only root can make one.
  [[nodiscard]] Invocation by_stranger(std::vector<std::string> arguments) const {
    auto start = invocation(std::move(arguments));
    const std::string user = std::to_string(kStranger);
    start.wrapper = {"setpriv", "--reuid", user, "--regid", user, "--clear-groups"};
    // Its end looks for leaks by means of a process, which few threads don't allow.
    start.environment.emplace_back("ASAN_OPTIONS", "detect_leaks=0");
    return start;
  }

  /// Why `by_stranger` can't be used; empty if it can.
  [[nodiscard]] std::string no_stranger() const {
    if (::geteuid() != 0) return "only root can start a process as somebody else";
    if (::chown(path("").c_str(), kStranger, kStranger) != 0) return "the scratch folder can't be given away";
    if (run_silhouette(by_stranger({"--version"})).exit_code != 0) return "others may not read what was built";
    return {};
  }

 private:
  // Of no account, and of no other test that runs at the same time.
  const uid_t kStranger = 1'000'000 + static_cast<uid_t>(::getpid());
};

#if !defined(__SANITIZE_THREAD__)
TEST_F(FaultsTest, FewThreadsAreNoFault) {
  if (const auto reason = no_stranger(); !reason.empty()) GTEST_SKIP() << reason;
  const std::string model = source_file("tests/data/models/tiny_plain.pte").string();
  std::vector<std::string> arguments{"segment", "--model", model, "--json", "--mask", "masks/"};
  for (int i = 0; i < 30; ++i) {
    write("photo" + std::to_string(i) + ".ppm", photo());
    arguments.push_back("photo" + std::to_string(i) + ".ppm");
  }
  for (const int threads : {1, 2, 3, 4, 5, 8}) {
    auto start = by_stranger(arguments);
    for (const auto& part : {std::string("prlimit"), "--nproc=" + std::to_string(threads), std::string("--core=0")}) {
      start.wrapper.push_back(part);
    }
    const auto finished = run_silhouette(start);
    EXPECT_THAT(finished, Succeeded()) << threads << " threads";
    EXPECT_EQ(json_lines(finished.out).size(), 30U);
    EXPECT_EQ(files("masks").size(), 30U);
    fs::remove_all(path("masks"));
  }
}

// libvips starts threads for these whatever is asked of it.
TEST_F(FaultsTest, AnImageThatNoThreadIsLeftForIsNotCalledBroken) {
  if (const auto reason = no_stranger(); !reason.empty()) GTEST_SKIP() << reason;
  const std::string model = source_file("tests/data/models/tiny_plain.pte").string();
  for (const char* image : {"t_ycbcr.tif", "two_frames.webp"}) {
    auto start = by_stranger(
        {"segment", source_file(std::string("tests/data/images/") + image).string(), "--model", model, "--json"});
    for (const char* part : {"prlimit", "--nproc=1", "--core=0"}) start.wrapper.emplace_back(part);
    const auto finished = run_silhouette(start);
    EXPECT_THAT(finished, testing::AnyOf(Succeeded(), FailedWith(7, "no threads"))) << image;
  }
}
#endif

TEST_F(FaultsTest, AFolderThatCantBeReadIsReportedAndTheRestIsDone) {
  if (const auto reason = no_stranger(); !reason.empty()) GTEST_SKIP() << reason;
  write("in/a/one.ppm", photo());
  write("in/locked/two.ppm", photo());
  write("in/z/three.ppm", photo());
  fs::permissions(path("in/locked"), fs::perms::none);
  const auto finished = run_silhouette(by_stranger({"segment", "-r", "in", "--json", "--mask", "out"}));
  EXPECT_THAT(finished, FailedWith(1, "in/locked"));
  EXPECT_THAT(files("out"), ElementsAre("a/one.mask.png", "z/three.mask.png"));
  const auto lines = json_lines(finished.out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[2]["path"], "in/locked");
  EXPECT_EQ(lines[2]["error"]["code"], "IO_ERROR");
  EXPECT_THAT(run_silhouette(by_stranger({"segment", "in/locked"})), FailedWith(5, "in/locked"));
}

TEST_F(FaultsTest, HiddenFoldersAreSkippedUnlessTheyAreNamed) {
  write("in/a.ppm", photo());
  write("in/.git/b.ppm", photo());
  write("in/below/.cache/deep/c.ppm", photo());
  write("in/below/d.ppm", photo());
  EXPECT_THAT(run({"segment", "in", "--recursive", "--mask", "out"}), Succeeded());
  EXPECT_THAT(files("out"), ElementsAre("a.mask.png", "below/d.mask.png"));
  EXPECT_THAT(run({"segment", "file://" + path("in/.git").string(), "--mask", "named"}), Succeeded());
  EXPECT_THAT(files("named"), ElementsAre("b.mask.png"));
}

TEST_F(FaultsTest, LinksToFoldersDontLeadInCircles) {
  write("in/a.ppm", photo());
  fs::create_directory_symlink(".", path("in/again"));
  EXPECT_THAT(run({"segment", "in", "--recursive", "--mask", "out"}), Succeeded());
  EXPECT_THAT(files("out"), ElementsAre("a.mask.png"));
}

TEST_F(FaultsTest, FoldersTakeEveryEndingOfWhatIsRead) {
  const std::vector<std::string> endings = {"jpg",  "jpeg", "jpe", "jfif", "jif",   "pjpeg", "pjp", "png",
                                            "webp", "gif",  "tif", "tiff", "ppm",   "pgm",   "pbm", "PNM",
                                            "heic", "heif", "HIF", "avif", "avifs", "jxl"};
  for (const auto& ending : endings) write("in/a." + ending, photo());
  write("in/a.txt", photo());
  const auto finished = run({"segment", "in", "--json"});
  EXPECT_THAT(finished, Succeeded());
  EXPECT_EQ(json_lines(finished.out).size(), endings.size());
}

TEST_F(FaultsTest, PipesAreRead) {
  write("photo.ppm", photo(33, 22));
  for (const char* script : {R"("$0" "$@" /dev/stdin <photo.ppm)", R"(cat photo.ppm | "$0" "$@" /dev/stdin)",
                             R"("$0" "$@" <(cat photo.ppm))", R"("$0" "$@" /proc/self/fd/0 <photo.ppm)",
                             R"(mkfifo p; cat photo.ppm >p & "$0" "$@" p; rm p)"}) {
    auto start = invocation({"segment", "--resize"});
    start.wrapper = {"bash", "-c", script};
    const auto finished = run_silhouette(start);
    EXPECT_THAT(finished, Succeeded()) << script;
    EXPECT_THAT(finished.out, HasSubstr("33 × 22")) << script;
    EXPECT_THAT(files("."), ElementsAre("image.overlay.png", "photo.ppm")) << script;
    fs::remove(path("image.overlay.png"));
  }
  auto nothing = invocation({"segment", "/dev/null"});
  EXPECT_THAT(run_silhouette(nothing), FailedWith(4, "'/dev/null': nothing came"));
  EXPECT_THAT(run({"segment", "/dev/zero"}), FailedWith(7, "'/dev/zero'"));
  auto no_image = invocation({"segment", "/dev/stdin"});
  no_image.input = "text";
  EXPECT_THAT(run_silhouette(no_image), FailedWith(4, "'/dev/stdin'"));
}

TEST_F(FaultsTest, APipeThatNobodyWritesToCanBeInterrupted) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  write("photo.ppm", photo());
  auto start = invocation({"segment", "photo.ppm", "pipe", "--json"});
  Process process(std::move(start));
  process.wait_for_output();
  process.send_signal(SIGINT);
  const auto finished = process.finish();
  EXPECT_EQ(finished.exit_code, 130);
  EXPECT_EQ(finished.err, "");
}

TEST_F(FaultsTest, APipeThatNobodyReadsFromCanBeInterrupted) {
  fs::create_directory(path("masks"));
  ASSERT_EQ(::mkfifo(path("masks/b.mask.png").c_str(), 0600), 0);
  write("a.ppm", photo());
  write("b.ppm", photo());
  Process process(invocation({"segment", "a.ppm", "b.ppm", "--mask", "masks/", "--json"}));
  process.wait_for_output();
  process.send_signal(SIGTERM);
  EXPECT_EQ(process.finish().exit_code, 128 + SIGTERM);
}

TEST_F(FaultsTest, APipeWhoseReaderStopsReadingCanBeInterrupted) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  // Its overlay is more than a pipe holds.
  const std::string sample = source_file("models/samples/chelsea.png").string();
  Process process(invocation({"segment", sample, "--overlay", "pipe"}));
  const int reader = ::open(path("pipe").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  process.send_signal(SIGTERM);
  EXPECT_EQ(process.finish().exit_code, 128 + SIGTERM);
  ::close(reader);
}

TEST_F(FaultsTest, AFileThatMayNotGrowIsAnErrorAndLeavesNothing) {
  write("photo.ppm", photo());
  auto start = invocation({"segment", "photo.ppm", "--npy", "arrays"});
  start.wrapper = {"prlimit", "--fsize=100000", "--core=0"};
  EXPECT_THAT(run_silhouette(start), FailedWith(5, "ARGMAX.npy"));
  EXPECT_THAT(files("arrays"), IsEmpty());
  start.arguments = {"segment", "photo.ppm", "--overlay", "o.png"};
  start.wrapper = {"prlimit", "--fsize=10", "--core=0"};
  EXPECT_THAT(run_silhouette(start), FailedWith(5, "o.png"));
  EXPECT_THAT(files("."), ElementsAre("photo.ppm"));
}

TEST_F(FaultsTest, ADiskThatIsFullIsAnError) {
  write("photo.ppm", photo());
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "/dev/full"}), FailedWith(5, "/dev/full"));
  auto start = invocation({"segment", "photo.ppm", "--json"});
  start.wrapper = {"sh", "-c", R"(exec "$0" "$@" >/dev/full)"};
  EXPECT_THAT(run_silhouette(start), FailedWith(5, "standard output"));
}

TEST_F(FaultsTest, DescriptorsThatAreClosedDontBecomeOutputs) {
  write("photo.ppm", photo());
  auto start = invocation({"segment", "photo.ppm", "--overlay", "o.png"});
  start.wrapper = {"sh", "-c", R"(exec "$0" "$@" >&-)"};
  EXPECT_THAT(run_silhouette(start), FailedWith(5, "standard output"));
  EXPECT_EQ(png_header(content("o.png")).width, 40U);
  start.wrapper = {"sh", "-c", R"(exec "$0" "$@" <&- >&- 2>&-)"};
  EXPECT_EQ(run_silhouette(start).exit_code, 5);
  EXPECT_EQ(png_header(content("o.png")).width, 40U);
  start.wrapper = {"sh", "-c", R"(exec "$0" "$@" <&-)"};
  start.arguments = {"segment", "-"};
  EXPECT_THAT(run_silhouette(start), FailedWith(5, "standard input"));
}

TEST_F(FaultsTest, NamesNeedntBeText) {
  const std::string name =
      "\x1b[2Ja\"\\\n\xff\xc0\xaf"
      "b\xe2\x82.ppm";
  write("in/" + name, photo());
  const auto finished = run({"segment", "in", "--json"});
  EXPECT_THAT(finished, Succeeded());
  EXPECT_EQ(json_lines(finished.out).at(0)["path"], "in/\x1b[2Ja\"\\\n\uFFFD\uFFFD\uFFFDb\uFFFD\uFFFD.ppm");
  write("in/bad\x1b[2J\n.ppm", "no picture");
  const auto failed = run({"segment", "in/bad\x1b[2J\n.ppm"});
  EXPECT_EQ(failed.exit_code, 4);
  EXPECT_THAT(failed.err, Not(HasSubstr("\x1b")));
  EXPECT_THAT(run({"segment", "in", "--mask", "out"}).out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(files("out"), Contains(EndsWith(".mask.png")));
}

TEST_F(FaultsTest, InputsThatBeginWithADashAreExplained) {
  write("-photo.ppm", photo());
  write("--photo.ppm", photo());
  EXPECT_THAT(run({"segment", "-photo.ppm"}), FailedWith(2, "is given as './-photo.ppm'"));
  EXPECT_THAT(run({"segment", "--photo.ppm"}), FailedWith(2, "is given as './--photo.ppm'"));
  EXPECT_THAT(run({"segment", "--json", "--", "-photo.ppm", "--photo.ppm"}), Succeeded());
  EXPECT_THAT(run({"segment", "./-photo.ppm"}), Succeeded());
  EXPECT_THAT(files("."), ElementsAre("--photo.ppm", "-photo.overlay.png", "-photo.ppm"));
}

TEST_F(FaultsTest, BracketsAndPercentSignsInNamesAreNames) {
  for (const char* folder : {"[a,b]", "[a]", "%%", "++", "{}", "scan"}) {
    write(std::string(folder) + "/a.ppm", photo());
    EXPECT_THAT(run({"segment", folder, "--json"}), Succeeded()) << folder;
  }
}

TEST_F(FaultsTest, BlanksAroundUrlsAreLeftOut) {
  write("a photo.ppm", photo());
  EXPECT_THAT(run({"segment", " \tfile://" + path("a%20photo.ppm").string() + "\r\n"}), Succeeded());
  EXPECT_THAT(files("."), ElementsAre("a photo.overlay.png", "a photo.ppm"));
  EXPECT_THAT(run({"segment", "  http://127.0.0.1:1/a.jpg "}), FailedWith(6, "'http://127.0.0.1:1/a.jpg'"));
  EXPECT_THAT(run({"info", " HTTP://127.0.0.1:1/a.pte "}), FailedWith(6, "'HTTP://127.0.0.1:1/a.pte'"));
  EXPECT_THAT(run({"models", "fetch", " http://127.0.0.1:1/a.pte "}), FailedWith(6, "'http://127.0.0.1:1/a.pte'"));
}

TEST_F(FaultsTest, ALabelOfSeveralClassesIsTold) {
  write("photo.ppm", photo());
  std::string labels;
  for (int i = 0; i < 21; ++i) labels += "label" + std::to_string(i) + "\n";
  const auto with = [&](int number, const std::string& label) {
    return std::regex_replace(labels, std::regex("label" + std::to_string(number) + "\n"), label + "\n");
  };
  labels = with(3, "Thing");
  write("same.txt", with(5, "Thing"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--labels", "same.txt", "--classes", "thing"}), FailedWith(2, "'Thing'"));
  write("labels.txt", with(5, "THING"));
  const auto finished = run({"segment", "photo.ppm", "--labels", "labels.txt", "--classes", "thing,label1", "--json"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.err,
            "silhouette: several classes are called 'thing': 3, 5; 3 is taken, give the number for another\n");
  EXPECT_THAT(run({"segment", "photo.ppm", "--labels", "labels.txt", "--classes", "5,label1", "--json"}), Succeeded());
}

}  // namespace
}  // namespace silhouette::test
