#include <csignal>

#include "fixture.hpp"
#include "server.hpp"
#include "silhouette/version.hpp"

namespace silhouette::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UsageTest : public CliTest {};

TEST_F(UsageTest, HelpTellsCommandsExamplesAndExitCodes) {
  const auto help = run({"--help"});
  EXPECT_THAT(help, Succeeded());
  for (const char* part : {"segment", "models", "bench", "info", "Examples:", "Exit codes:", "130"}) {
    EXPECT_THAT(help.out, HasSubstr(part));
  }
}

TEST_F(UsageTest, EveryCommandHasHelpWithExamples) {
  for (const char* command : {"segment", "models", "bench", "info"}) {
    const auto help = run({command, "--help"});
    EXPECT_THAT(help, Succeeded());
    EXPECT_THAT(help.out, HasSubstr("Usage: silhouette " + std::string(command)));
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  silhouette " + std::string(command)));
  }
}

TEST_F(UsageTest, HelpIsACommandToo) {
  EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
  EXPECT_THAT(run({"help"}), Succeeded());
  EXPECT_EQ(run({"help", "segment"}).out, run({"segment", "--help"}).out);
  EXPECT_EQ(run({"help", "models", "cache", "prune"}).out, run({"models", "cache", "prune", "--help"}).out);
}

TEST_F(UsageTest, LongArgumentsArentPrintedWhole) {
  const std::string base64 = "/9j/" + std::string(5000, 'A') + "!";
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"segment", base64},
                                                                     {"segment", "data:image/png;base64," + base64},
                                                                     {"segment", std::string(300, 'x')},
                                                                     {base64},
                                                                     {"help", base64},
                                                                     {"segment", "photo.ppm", "--model", base64}}) {
    write("photo.ppm", photo());
    const auto finished = run(arguments);
    EXPECT_NE(finished.exit_code, 0);
    EXPECT_LT(finished.err.size(), 400U) << finished.err;
  }
}

TEST_F(UsageTest, EmptyStandardInputIsNamed) {
  EXPECT_THAT(run({"segment", "-"}), FailedWith(4, "standard input: nothing came"));
}

TEST_F(UsageTest, AFolderOfOtherFilesSaysWhatTheyAre) {
  write("scans/a.bmp", "BM");
  write("scans/b.BMP", "BM");
  write("scans/c.pdf", "%PDF");
  write("scans/.hidden.txt", "");
  const auto finished = run({"segment", "scans"});
  EXPECT_THAT(finished, FailedWith(4, "'scans' holds no images that can be read, only other files in .bmp, .pdf"));
  std::filesystem::create_directories(path("empty"));
  EXPECT_THAT(run({"segment", "empty"}), FailedWith(5, "'empty' holds no images"));
}

TEST_F(UsageTest, NoThreadsMeansOneForEachProcessor) {
  const auto model = source_file("tests/data/models/tiny_plain.pte").string();
  const auto all = run({"bench", model, "--runs", "1", "--json"});
  const auto zero = run({"bench", model, "--runs", "1", "--json", "--threads", "0"});
  EXPECT_THAT(zero, Succeeded());
  EXPECT_EQ(nlohmann::json::parse(zero.out)["threads"], nlohmann::json::parse(all.out)["threads"]);
  EXPECT_GE(nlohmann::json::parse(zero.out)["threads"], 1);
}

TEST_F(UsageTest, TellsItsVersion) {
  const auto version = run({"--version"});
  EXPECT_THAT(version, Succeeded());
  EXPECT_EQ(version.out, std::string("silhouette ") + kVersion + "\n");
}

TEST_F(UsageTest, WrongArgumentsAreNamedAndGiveCode2) {
  write("photo.ppm", photo());
  write("folder/photo.ppm", photo());
  write("empty.txt", "\n\n");
  struct Case {
    std::vector<std::string> arguments;
    const char* message;
  };
  const std::vector<Case> cases = {
      {{}, "silhouette segment PHOTO"},
      {{"photo.ppm"}, "did you mean 'silhouette segment photo.ppm'"},
      {{"--frobnicate"}, "--frobnicate"},
      {{"segment"}, "INPUT is required"},
      {{"segment", ""}, "INPUT is empty"},
      {{"segment", "photo.ppm", "--frobnicate"}, "silhouette segment --help"},
      {{"segment", "photo.ppm", "--engine", "steam"}, "steam"},
      {{"segment", "photo.ppm", "--threads", "-1"}, "--threads"},
      {{"segment", "photo.ppm", "--threads", "257"}, "--threads"},
      {{"segment", "photo.ppm", "--threads", "many"}, "many"},
      {{"segment", "photo.ppm", "--filter", "cubic"}, "cubic"},
      {{"segment", "photo.ppm", "--mean", "1,2", "--std", "1,1,1"}, "--mean '1,2': give three numbers"},
      {{"segment", "photo.ppm", "--mean", "1,2,3,4", "--std", "1,1,1"}, "--mean '1,2,3,4': give three numbers"},
      {{"segment", "photo.ppm", "--mean", "1e99,0,0", "--std", "1,1,1"}, "give three numbers"},
      {{"segment", "photo.ppm", "--mean", "0,5,0,5,0,5", "--std", "1,1,1"}, "write decimal points, not commas"},
      {{"segment", "photo.ppm", "--mean", "0,0,0", "--std", "0,5; 0,5; 0,5"}, "write decimal points, not commas"},
      {{"segment", "photo.ppm", "--mean", "0,0,0", "--std", "0,5 0,5 0,5"}, "write decimal points, not commas"},
      {{"segment", "photo.ppm", "--polygons", "p.json", "--tolerance", "1,5"},
       "--tolerance '1,5': write a decimal point"},
      {{"models", "cache", "prune", "--max-size", "1,5GB"}, "--max-size '1,5GB': write a decimal point"},
      {{"models", "cache", "prune", "--max-size", "12Q"}, "--max-size '12Q'"},
      {{"models", "cache", "prune", "--max-size", "99999999999G"}, "--max-size"},
      {{"segment", "photo.ppm", "--mask", "--json"}, "--mask needs a value"},
      {{"segment", "photo.ppm", "--mask", "-r"}, "--mask needs a value"},
      {{"segment", "photo.ppm", "--mask", ""}, "--mask needs a value"},
      {{"segment", "photo.ppm", "--mask="}, "--mask needs a value"},
      {{"segment", "photo.ppm", "--json=no"}, "--json takes no value"},
      {{"segment", "photo.ppm", "--mask", "a.png", "--mask", "b.png"}, "--mask is given twice"},
      {{"segment", "photo.ppm", "--threads", "99999999999999999999"}, "from 0 to 256"},
      {{"segment", "photo.ppm", "--threads", "0x4"}, "from 0 to 256"},
      {{"segment", "photo.ppm", "--engine", "Native"}, "give auto, native or executorch"},
      {{"segment", "photo.ppm", "--polygons", "p.json", "--tolerance", "inf"}, "inf"},
      {{"info", "a", "b"}, "'b'"},
      {{"segment", "photo.ppm", "--overlay", "o.pjpeg"}, "end the name in .png"},
      {{"segment", "photo.ppm", "--mean", "0,0,0", "--std", "1,x,1"}, "--std '1,x,1'"},
      {{"segment", "photo.ppm", "--mean", "0,0,0"}, "give both"},
      {{"segment", "photo.ppm", "--mean", "0,0,0", "--std", "0,1,1"}, ""},
      {{"segment", "photo.ppm", "--labels", "empty.txt"}, "empty.txt"},
      {{"segment", "photo.ppm", "--mask", "mask.jpg"}, "end the name in .png"},
      {{"segment", "photo.ppm", "--mask", "a.png", "--overlay", "./a.png"}, "same name"},
      {{"segment", "photo.ppm", "--mask", "-", "--overlay", "-"}, "only one output"},
      {{"segment", "photo.ppm", "--rle", "shapes.png"}, "shapes are written as JSON"},
      {{"segment", "photo.ppm", "--mask", "mask.json"}, "pictures are written as PNG"},
      {{"segment", "photo.ppm", "--tolerance", "1"}, "--polygons"},
      {{"segment", "photo.ppm", "--polygons", "p.json", "--tolerance", "-1"}, "--tolerance"},
      {{"segment", "photo.ppm", "--polygons", "p.json", "--tolerance", "nan"}, "nan"},
      {{"segment", "photo.ppm", "--polygons", "p.json", "--min-area", "-1"}, "--min-area"},
      {{"segment", "photo.ppm", "--mask", "-", "--json"}, "--json"},
      {{"segment", "photo.ppm", "--npy", "-"}, "--npy"},
      {{"segment", "photo.ppm", "photo.ppm", "--mask", "-"}, "one image only"},
      {{"segment", "photo.ppm", "photo.ppm", "--mask", "a.png"}, "'a.png/' makes one"},
      {{"segment", "folder", "--mask", "a.png"}, "need a folder"},
      {{"segment", "-", "-"}, "once only"},
      {{"segment", "not_a_valid_uri://bad"}, "not_a_valid_uri"},
      {{"segment", "photo.ppm", "--mask"}, "--mask needs a value; see"},
      {{"segment", "photo.ppm", "--model", "DEEPLAB_V3_RESNET5O"}, "did you mean DEEPLAB_V3_RESNET50?"},
      {{"segment", "file://elsewhere/photo.ppm"}, "names another computer"},
      {{"models"}, "list, path, fetch, rm or cache"},
      {{"models", "cache"}, "list, size, remove or prune"},
      {{"models", "cache", "remove"}, "NAME is required"},
      {{"models", "cache", "prune", "--max-size", "much"}, "--max-size"},
      {{"models", "cache", "prune", "--unused", "-1"}, "--unused"},
      {{"help", "frobnicate"}, "there is no command 'silhouette frobnicate'"},
      {{"models", "burn"}, "burn"},
      {{"models", "path"}, "NAME is required"},
      {{"bench", "--runs", "0"}, "--runs"},
  };
  for (const auto& wrong : cases) {
    const auto finished = run(wrong.arguments);
    EXPECT_THAT(finished, FailedWith(2, wrong.message)) << ::testing::PrintToString(wrong.arguments);
    EXPECT_THAT(finished.out, IsEmpty());
  }
  EXPECT_THAT(files("."), ::testing::ElementsAre("empty.txt", "folder/photo.ppm", "photo.ppm"));
}

TEST_F(UsageTest, UnknownClassNamesTheKnownOnes) {
  write("photo.ppm", photo());
  const auto finished = run({"segment", "photo.ppm", "--classes", "cat,unicorn"});
  EXPECT_THAT(finished, FailedWith(2, "'unicorn'"));
  EXPECT_THAT(finished.err, HasSubstr("BACKGROUND, AEROPLANE"));
  EXPECT_THAT(finished.err, HasSubstr("TVMONITOR"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--classes", "21"}), FailedWith(2, "'21'"));
}

TEST_F(UsageTest, EveryGroupOfErrorsHasItsExitCode) {
  write("photo.ppm", photo());
  write("text.jpg", "this is no picture");
  write("text.pte", "this is no model");
  write("long.txt", std::string(2 << 20, 'x'));
  const auto fixture = [](const char* name) { return source_file("tests/data/models/").string() + name; };

  EXPECT_THAT(run({"info", "text.pte"}), FailedWith(3, "text.pte"));
  EXPECT_THAT(run({"info", fixture("rank2_input.pte")}), FailedWith(3, "rank2_input.pte"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--model", "text.pte"}), FailedWith(3, "text.pte"));
  EXPECT_THAT(run({"segment", "text.jpg"}), FailedWith(4, "text.jpg"));
  EXPECT_THAT(run({"segment", "missing.jpg"}), FailedWith(5, "missing.jpg"));
  EXPECT_THAT(run({"segment", "file:///no/such.jpg"}), FailedWith(5, "/no/such.jpg"));
  EXPECT_THAT(run({"info", "missing.pte"}), FailedWith(5, "missing.pte"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--labels", "missing.txt"}), FailedWith(5, "missing.txt"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "no/mask.png"}), FailedWith(5, "'no'"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--npy", "text.jpg"}), FailedWith(5, "text.jpg"));
  // Port 1 is reserved, and nothing listens there.
  EXPECT_THAT(run({"segment", "http://127.0.0.1:1/photo.jpg"}), FailedWith(6, "127.0.0.1:1"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--labels", "long.txt"}), FailedWith(7, "long.txt"));
}

TEST_F(UsageTest, ImageOverTheLimitGivesCode7) {
  write("huge.ppm", "P6\n20000 20000\n255\n");
  EXPECT_THAT(run({"segment", "huge.ppm"}), FailedWith(7, "huge.ppm"));
}

TEST_F(UsageTest, UnwritableOutputGivesCode5) {
  write("photo.ppm", photo());
  std::filesystem::create_directories(path("photo.overlay.png"));
  EXPECT_THAT(run({"segment", "photo.ppm"}), FailedWith(5, "photo.overlay.png"));
}

TEST_F(UsageTest, InterruptDuringADownloadGivesCode130) {
  write("photo.ppm", photo());
  for (const auto& [number, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    Server server;
    Process process(invocation({"segment", server.url("/photo.jpg")}));
    server.wait_for_connection();
    process.send_signal(number);
    const auto finished = process.finish();
    EXPECT_EQ(finished.exit_code, code);
    EXPECT_EQ(finished.err, "");
  }
}

TEST_F(UsageTest, InterruptLeavesNoModelBehind) {
  Server server;
  Process process(invocation({"models", "fetch", server.url("/model.pte")}));
  server.wait_for_connection();
  process.send_signal(SIGINT);
  EXPECT_EQ(process.finish().exit_code, 130);
  EXPECT_THAT(run({"models", "path", server.url("/model.pte")}), FailedWith(5, "model.pte"));
}

TEST_F(UsageTest, InterruptWhileReadingStandardInput) {
  auto start = invocation({"segment", "-"});
  start.hold_input_open = true;
  start.input = "not all of it";
  Process process(std::move(start));
  process.wait_until_input_is_read();
  process.send_signal(SIGINT);
  const auto finished = process.finish();
  EXPECT_EQ(finished.exit_code, 130);
  EXPECT_EQ(finished.err, "");
}

TEST_F(UsageTest, ReaderThatWentAwayGivesCode141AndNoMessage) {
  auto start = invocation({"models", "list"});
  start.close_output = true;
  const auto finished = run_silhouette(start);
  EXPECT_EQ(finished.exit_code, 141);
  EXPECT_EQ(finished.err, "");
}

}  // namespace
}  // namespace silhouette::test
