#include <cmath>

#include "fixture.hpp"
#include "silhouette/shapes.hpp"

namespace silhouette::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ShapesTest : public CliTest {
 protected:
  void SetUp() override { fs::copy_file(source_file("models/samples/bird.png"), path("bird.png")); }
  [[nodiscard]] nlohmann::json json(const std::string& name) const { return nlohmann::json::parse(content(name)); }
};

double ring_area(const nlohmann::json& ring) {
  double doubled = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const auto& a = ring[i];
    const auto& b = ring[(i + 1) % ring.size()];
    doubled += a[0].get<double>() * b[1].get<double>() - b[0].get<double>() * a[1].get<double>();
  }
  return doubled / 2;
}

TEST_F(ShapesTest, RunLengthsAndExactPolygonsAreThoseOfTheClassMap) {
  const auto finished = run({"segment", "bird.png", "--rle", "r.json", "--polygons", "p.json", "--tolerance", "0",
                             "--npy", "arrays", "--json"});
  ASSERT_THAT(finished, Succeeded());
  EXPECT_EQ(json_lines(finished.out).at(0)["outputs"]["rle"], "r.json");
  EXPECT_EQ(json_lines(finished.out).at(0)["outputs"]["polygons"], "p.json");
  const auto argmax = read_npy_int32(path("arrays/ARGMAX.npy"));

  const auto rles = json("r.json");
  const auto polygons = json("p.json");
  ASSERT_EQ(rles.size(), polygons.size());
  ASSERT_FALSE(rles.empty());
  for (std::size_t i = 0; i < rles.size(); ++i) {
    const auto& rle = rles[i];
    const int channel = rle["class"];
    EXPECT_NE(channel, 0) << "the background";
    EXPECT_EQ(rle["size"], nlohmann::json({513, 513}));
    EXPECT_GT(rle["area"], 0);
    const auto parsed = parse_rle(rle["counts"].get<std::string>(), 513, 513).value();
    const auto mask = decode_rle(parsed).value();
    for (std::size_t k = 0; k < mask.size(); ++k) ASSERT_EQ(mask[k] != 0, argmax.values[k] == channel);
    EXPECT_EQ(rle["area"], parsed.area());
    for (const char* const key : {"label", "class", "size", "area", "bbox"}) EXPECT_EQ(rle[key], polygons[i][key]);
    double area = 0;
    for (const auto& polygon : polygons[i]["polygons"]) {
      area += ring_area(polygon["outer"]);
      for (const auto& hole : polygon["holes"]) area += ring_area(hole);
    }
    EXPECT_EQ(area, rle["area"].get<double>());
  }
  const auto bird = std::ranges::find(rles, 3, [](const auto& rle) { return rle["class"].template get<int>(); });
  ASSERT_NE(bird, rles.end());
  EXPECT_EQ((*bird)["label"], "BIRD");
}

TEST_F(ShapesTest, PolygonsAreSimplifiedAsAsked) {
  ASSERT_THAT(run({"segment", "bird.png", "--polygons", "exact.json", "--tolerance", "0", "--classes", "bird"}),
              Succeeded());
  ASSERT_THAT(run({"segment", "bird.png", "--polygons", "usual.json", "--classes", "bird"}), Succeeded());
  ASSERT_THAT(run({"segment", "bird.png", "--polygons", "large.json", "--classes", "bird", "--min-area", "1000000"}),
              Succeeded());
  const auto exact = json("exact.json").at(0)["polygons"];
  const auto usual = json("usual.json").at(0)["polygons"];
  ASSERT_EQ(exact.size(), usual.size());
  EXPECT_LT(usual.dump().size() * 2, exact.dump().size());
  EXPECT_TRUE(json("large.json").at(0)["polygons"].empty());
}

TEST_F(ShapesTest, ClassesOfInterestAreListedFoundOrNot) {
  const auto finished = run({"segment", "bird.png", "--classes", "cat,bird,cat", "--rle", "-"});
  ASSERT_THAT(finished, Succeeded());
  const auto rles = nlohmann::json::parse(finished.out);
  ASSERT_EQ(rles.size(), 2U);
  EXPECT_EQ(rles[0]["label"], "BIRD");
  EXPECT_EQ(rles[1]["label"], "CAT");
}

TEST_F(ShapesTest, SeveralImagesGetAFileEach) {
  write("photo.ppm", photo());
  ASSERT_THAT(run({"segment", "bird.png", "photo.ppm", "--rle", "out", "--polygons", "out", "--resize"}), Succeeded());
  EXPECT_THAT(files("out"),
              ElementsAre("bird.polygons.json", "bird.rle.json", "photo.polygons.json", "photo.rle.json"));
  for (const auto& rle : json("out/photo.rle.json")) EXPECT_EQ(rle["size"], nlohmann::json({30, 40}));
  EXPECT_THAT(run({"segment", "bird.png", "photo.ppm", "--rle", "r.json"}),
              FailedWith(2, "several images need a folder"));
}

}  // namespace
}  // namespace silhouette::test
