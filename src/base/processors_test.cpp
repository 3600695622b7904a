#include "base/processors.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "support/support.hpp"

namespace silhouette {
namespace {

class CgroupProcessors : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  [[nodiscard]] std::optional<double> granted() const {
    return cgroup_processors(folder_.path() / "self", folder_.path() / "mounts");
  }

  test::ScratchFolder folder_;
};

TEST_F(CgroupProcessors, NoGroupsMeanNoLimit) {
  EXPECT_EQ(granted(), std::nullopt);
  write("self", "0::/\n");
  EXPECT_EQ(granted(), std::nullopt);
  write("self", "nonsense\n:\n0\n");
  EXPECT_EQ(granted(), std::nullopt);
}

TEST_F(CgroupProcessors, Version2TakesTheLeastOfAllLevels) {
  write("self", "0::/outer/middle/inner\n");
  write("mounts/outer/middle/inner/cpu.max", "max 100000\n");
  EXPECT_EQ(granted(), std::nullopt);
  write("mounts/outer/cpu.max", "350000 100000\n");
  EXPECT_EQ(granted(), 3.5);
  write("mounts/outer/middle/inner/cpu.max", "25000 50000\n");
  EXPECT_EQ(granted(), 0.5);
  write("mounts/cpu.max", "1000 100000\n");
  EXPECT_EQ(granted(), 0.01);
  // A sibling's limit is none of ours.
  write("mounts/outer/other/cpu.max", "1 100000\n");
  EXPECT_EQ(granted(), 0.01);
}

TEST_F(CgroupProcessors, Version1KnowsItsTwoFilesAndBothNamesOfTheMount) {
  write("self", "5:cpuset:/elsewhere\n4:cpu,cpuacct:/job\n1:name=systemd:/job\n");
  write("mounts/cpuset/elsewhere/cpu.cfs_quota_us", "1\n");
  write("mounts/cpuset/elsewhere/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(granted(), std::nullopt);
  write("mounts/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  write("mounts/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(granted(), std::nullopt);
  write("mounts/cpu,cpuacct/job/cpu.cfs_quota_us", "150000\n");
  EXPECT_EQ(granted(), 1.5);
  std::filesystem::remove_all(folder_.path() / "mounts");
  write("mounts/cpu/job/cpu.cfs_quota_us", "200000\n");
  write("mounts/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(granted(), 2);
}

TEST_F(CgroupProcessors, BothVersionsAtOnceGiveTheLess) {
  write("self", "3:cpu:/a\n0::/b\n");
  write("mounts/cpu/a/cpu.cfs_quota_us", "300000\n");
  write("mounts/cpu/a/cpu.cfs_period_us", "100000\n");
  write("mounts/unified/b/cpu.max", "200000 100000\n");
  EXPECT_EQ(granted(), 2);
  write("mounts/unified/b/cpu.max", "400000 100000\n");
  EXPECT_EQ(granted(), 3);
}

TEST_F(CgroupProcessors, AGroupThatCantBeSeenCountsAsItsVisibleAncestor) {
  // A container without a namespace of its own for groups: the name is the host's, and the mount shows the container's.
  write("self", "0::/system.slice/container-1234\n");
  write("mounts/cpu.max", "150000 100000\n");
  EXPECT_EQ(granted(), 1.5);
  write("self", "0::/../../other\n");
  write("cpu.max", "1 100000\n");
  EXPECT_EQ(granted(), 1.5);
}

TEST_F(CgroupProcessors, SenselessNumbersAreNoLimit) {
  write("self", "0::/a\n");
  for (const char* text : {"", "max", "100000", "0 100000", "100000 0", "-5 100000", "x y", "nan nan"}) {
    write("mounts/a/cpu.max", text);
    EXPECT_EQ(granted(), std::nullopt) << text;
  }
}

TEST(AvailableProcessors, AreAtLeastOne) {
  EXPECT_GE(available_processors(), 1);
}

}  // namespace
}  // namespace silhouette
