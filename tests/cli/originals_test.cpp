#include <thread>

#include "fixture.hpp"
#include "server.hpp"

namespace silhouette::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What is read must not be destroyed by what is written, however both are called.
class OriginalsTest : public CliTest {
 protected:
  void SetUp() override { write("photo.ppm", photo()); }
  void put_model(const std::string& name) const {
    fs::create_directories(path(name).parent_path());
    fs::copy_file(source_file("models/deeplab_v3_mobilenet_v2.pte"), path(name));
  }
  [[nodiscard]] bool is_model(const std::string& name) const {
    return read_bytes(path(name)) == read_bytes(source_file("models/deeplab_v3_mobilenet_v2.pte"));
  }
};

TEST_F(OriginalsTest, EveryKindOfOutputSparesTheModel) {
  put_model("m.pte");
  fs::create_symlink("m.pte", path("link.pte"));
  fs::create_hard_link(path("m.pte"), path("twin.pte"));
  const std::string uri = "file://" + path("m.pte").string();
  for (const std::string& model : {std::string("m.pte"), uri, path("link.pte").string()}) {
    for (const char* option : {"--mask", "--overlay", "--cutout", "--rle", "--polygons"}) {
      for (const char* target : {"m.pte", "./m.pte", "link.pte", "twin.pte"}) {
        EXPECT_THAT(run({"segment", "photo.ppm", "--model", model, option, target}), FailedWith(2, "overwrite"))
            << model << " " << option << " " << target;
      }
    }
  }
  EXPECT_TRUE(is_model("m.pte"));
}

TEST_F(OriginalsTest, TheEmbeddedModelIsSpared) {
  const auto path = run({"models", "path", "DEEPLAB_V3_MOBILENET_V2_EMBEDDED"});
  ASSERT_TRUE(path.out.ends_with(".pte\n"));
  const std::string file = path.out.substr(0, path.out.size() - 1);
  const auto bytes = read_bytes(file);
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", file}), FailedWith(2, "overwrite"));
  if (read_bytes(file) == bytes) return;
  // Every other test needs it.
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  ADD_FAILURE() << "the embedded model was overwritten";
}

TEST_F(OriginalsTest, ADownloadedModelIsSpared) {
  const auto bytes = read_bytes(source_file("tests/data/models/tiny_plain.pte"));
  const std::string body(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Server server;
  const std::string url = server.url("/tiny.pte");
  std::jthread answering(
      [&] { server.answer("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body); });
  const auto fetched = run({"models", "fetch", url});
  ASSERT_THAT(fetched, Succeeded());
  answering.join();
  const std::string file = fetched.out.substr(0, fetched.out.size() - 1);
  EXPECT_THAT(run({"segment", "photo.ppm", "--model", url, "--rle", file}), FailedWith(2, "overwrite"));
  // The same before it is there: its name in the cache can be known.
  fs::remove(file);
  std::jthread again(
      [&] { server.answer("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body); });
  EXPECT_THAT(run({"segment", "photo.ppm", "--model", url, "--rle", file}), FailedWith(2, "overwrite"));
  EXPECT_EQ(read_bytes(file), bytes);
}

TEST_F(OriginalsTest, LabelsAreSpared) {
  write("labels.txt", "one\n");
  EXPECT_THAT(run({"segment", "photo.ppm", "--labels", "labels.txt", "--mask", "./labels.txt"}),
              FailedWith(2, "overwrite"));
  EXPECT_EQ(content("labels.txt"), "one\n");
}

TEST_F(OriginalsTest, AnInputAmongTheArraysIsSpared) {
  for (const char* name : {"ARGMAX.npy", "CAT.npy"}) {
    write("arrays/" + std::string(name), photo());
    EXPECT_THAT(run({"segment", "arrays/" + std::string(name), "--npy", "arrays", "--classes", "cat"}),
                FailedWith(2, "overwrite"));
    EXPECT_EQ(content("arrays/" + std::string(name)), photo());
  }
  fs::create_directory(path("linked"));
  fs::create_symlink(path("photo.ppm"), path("linked/ARGMAX.npy"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--npy", "linked"}), FailedWith(2, "overwrite"));
  // Those of several images.
  write("ARGMAX.ppm", photo());
  write("out/ARGMAX/ARGMAX.npy", photo());
  EXPECT_THAT(run({"segment", "ARGMAX.ppm", "out/ARGMAX/ARGMAX.npy", "--npy", "out"}), FailedWith(2, "overwrite"));
  EXPECT_EQ(content("photo.ppm"), photo());
  EXPECT_EQ(content("out/ARGMAX/ARGMAX.npy"), photo());
}

TEST_F(OriginalsTest, StandardInputIsSpared) {
  write("photo.png", photo());
  auto start = invocation({"segment", "-", "--mask", "photo.png"});
  start.wrapper = {"sh", "-c", R"(exec "$0" "$@" <photo.png)"};
  EXPECT_THAT(run_silhouette(start), FailedWith(2, "overwrite"));
  start.arguments[1] = "/dev/stdin";
  EXPECT_THAT(run_silhouette(start), FailedWith(2, "overwrite"));
  EXPECT_EQ(content("photo.png"), photo());
}

TEST_F(OriginalsTest, LinksThatLeadNowhereYetAreFollowed) {
  fs::create_directories(path("far/away"));
  fs::create_symlink("far/away/real.png", path("second.png"));
  fs::create_symlink("second.png", path("first.png"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "first.png"}), Succeeded());
  EXPECT_TRUE(fs::is_symlink(path("first.png")));
  EXPECT_TRUE(fs::is_symlink(path("second.png")));
  EXPECT_EQ(png_header(content("far/away/real.png")).width, 513U);
  fs::create_symlink("no/where.png", path("lost.png"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "lost.png"}), FailedWith(5, "lost.png"));
  fs::create_symlink("circle.png", path("circle.png"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "circle.png"}), FailedWith(5, "circle.png"));
}

TEST_F(OriginalsTest, TwoOutputsInOneFileAreRefused) {
  fs::create_symlink("a.png", path("b.png"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "a.png", "--overlay", "b.png"}), FailedWith(2, "same name"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "here/ARGMAX.npy", "--npy", "here"}), FailedWith(5, "here"));
  fs::create_directory(path("here"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "here/ARGMAX.npy", "--npy", "here"}), FailedWith(2, "same name"));
  EXPECT_THAT(run({"segment", "photo.ppm", "--mask", "arrays", "--npy", "arrays"}), FailedWith(2, "same name"));
  EXPECT_THAT(files("here"), ElementsAre());
}

TEST_F(OriginalsTest, AFolderNamedInTwoWaysKeepsAllResults) {
  write("in/a.ppm", photo(40, 30));
  fs::create_symlink("in", path("again"));
  EXPECT_THAT(run({"segment", "in", "again"}), Succeeded());
  EXPECT_THAT(files("in"), ElementsAre("a-2.overlay.png", "a.overlay.png", "a.ppm"));
}

TEST_F(OriginalsTest, NamesThatTheFileSystemWouldRefuseAreCut) {
  const std::string name = std::string(240, 'x') + ".ppm";
  write(name, photo());
  const auto finished = run({"segment", name, "--polygons", "out/"});
  EXPECT_THAT(finished, Succeeded());
  EXPECT_THAT(files("out"), ElementsAre(std::string(220, 'x') + ".polygons.json"));
}

}  // namespace
}  // namespace silhouette::test
