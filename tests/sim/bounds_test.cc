// What survives and what does not, over many seeds: faults that stay within what is promised lose
// nothing of it, and faults that exceed it lose exactly what the checker computes.
#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/registry.h"
#include "tests/sim/runner.h"
#include "tests/sim/sanitized.h"
#include "tests/sim/tally.h"

namespace quorate::sim {
namespace {

using testing::IsEmpty;

constexpr uint64_t kFirstSeed = 600001;
#ifdef QUORATE_NIGHTLY
constexpr uint64_t kSeeds = 1000;
#else
constexpr uint64_t kSeeds = kSanitized ? 12 : 60;
#endif

class Plans : public testing::TestWithParam<std::string> {};

TEST_P(Plans, KeptLoseNothing) {
  Tally tally;
  for (uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) {
    const RunResult run = RunSeed({GetParam(), seed});
    if (run.plan.faults.bounds != Bounds::kKept) continue;
    tally.Add(run);
    EXPECT_THAT(run.report.violations, IsEmpty()) << DescribeFailure(run);
    EXPECT_EQ(run.report.promised_writes_forsaken, 0u) << RerunCommand(run);
  }
  EXPECT_GT(tally.writes_checked(), 0u);
}

TEST_P(Plans, ExceededLoseWhatNoNodeHolds) {
  RunOptions options;
  options.strategy = GetParam();
  options.exceed_bounds = true;
  Tally tally;
  for (options.seed = kFirstSeed; options.seed < kFirstSeed + kSeeds; ++options.seed) {
    const RunResult run = RunSeed(options);
    tally.Add(run);
    EXPECT_THAT(run.report.violations, IsEmpty()) << DescribeFailure(run);
    EXPECT_THAT(RerunCommand(run), testing::HasSubstr("--exceed_bounds"));
  }
  EXPECT_GT(tally.writes_checked(), 0u);
  EXPECT_GT(tally.writes_lost(), 0u);
  EXPECT_GE(tally.writes_forsaken(), tally.writes_lost());
  EXPECT_GT(tally.writes_gone_for_sure(), 0u);
}

INSTANTIATE_TEST_SUITE_P(All, Plans, testing::ValuesIn(StrategyNames()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace quorate::sim
