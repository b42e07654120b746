// The corpus over replicas that keep all rules: no failure of the past may come back.
#include "tests/sim/corpus.h"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/sim/runner.h"

namespace quorate::sim {
namespace {

constexpr char kFolder[] = "tests/sim/corpus";
// With other delays too, since these are never quite those of the day of the failure.
constexpr uint64_t kVariations = 5;

TEST(CorpusTest, NoFailureComesBack) {
  const auto corpus = ReadCorpus(kFolder);
  ASSERT_TRUE(corpus.ok()) << corpus.status();
  EXPECT_GE(corpus->size(), 4u);
  for (auto [name, schedule] : *corpus) {
    for (uint64_t i = 0; i < kVariations; ++i, ++schedule.setting.inner_seed) {
      const RunResult run = RunSchedule(schedule);
      EXPECT_THAT(run.report.violations, testing::IsEmpty())
          << name << ", inner-seed " << schedule.setting.inner_seed << "\n"
          << DescribeViolations(run);
    }
  }
}

TEST(CorpusTest, NoSeedFailsAgain) {
  std::ifstream in(std::string(kFolder) + "/seeds.txt");
  ASSERT_TRUE(in.good());
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto seeds = ParseCorpusSeeds(text);
  ASSERT_TRUE(seeds.ok()) << seeds.status();
  for (const CorpusSeed& seed : *seeds) {
    const RunResult run = RunSeed({seed.strategy, seed.seed});
    EXPECT_THAT(run.report.violations, testing::IsEmpty()) << DescribeFailure(run);
  }
}

TEST(CorpusTest, SeedsAreOneALine) {
  const auto seeds = ParseCorpusSeeds("# a comment\n\nleaderless 42  # why\nleader_follower 7\n");
  ASSERT_TRUE(seeds.ok()) << seeds.status();
  ASSERT_EQ(seeds->size(), 2u);
  EXPECT_EQ((*seeds)[0].strategy, "leaderless");
  EXPECT_EQ((*seeds)[0].seed, 42u);
  EXPECT_EQ((*seeds)[1].seed, 7u);
  for (const char* const wrong : {"leaderless", "leaderless x", "nothing 1", "leaderless 1 2"}) {
    EXPECT_FALSE(ParseCorpusSeeds(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace quorate::sim
