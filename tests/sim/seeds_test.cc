// The simulator over many seeds and every strategy of the registry: no check may be violated, and
// nearly every seed must have been worth running. nightly_test is the same over 10,000 seeds each.
#include <cstdint>
#include <cstdio>
#include <string>
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/registry.h"
#include "tests/sim/runner.h"
#include "tests/sim/sanitized.h"
#include "tests/sim/tally.h"

namespace quorate::sim {
namespace {

// With at most 5 % void, 720 seeds are 684 valid ones for each strategy. In so many, every
// situation must have come up; void seeds, quorums and counters are judged in smaller blocks, so
// that no stretch of seeds can be weak.
constexpr uint64_t kSeedsInBlock = 80;
constexpr uint64_t kBlocksForSituations = 9;
#ifdef QUORATE_NIGHTLY
constexpr uint64_t kGroups = 14;
#else
constexpr uint64_t kGroups = 1;
#endif
constexpr uint64_t kBlocksInGroup = kSanitized ? 1 : kBlocksForSituations;
constexpr double kVoidShareMax = 0.05;
constexpr size_t kQuorumsMin = 10;

// Runs the seeds from `first` on; adds each to `all` too.
Tally RunBlock(const std::string& strategy, uint64_t first, Tally* all) {
  Tally block;
  for (uint64_t seed = first; seed < first + kSeedsInBlock; ++seed) {
    // First of all: a run that ends the process must have said which it was.
    std::printf("seed %s %llu\n", strategy.c_str(), static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    const RunResult run = RunSeed({strategy, seed, /*full_log=*/false});
    block.Add(run);
    all->Add(run);
    EXPECT_TRUE(run.report.violations.empty()) << DescribeFailure(run);
  }
  return block;
}

// The seeds were strong enough to have shown a violation.
void ExpectStrong(const Tally& block) {
  EXPECT_LE(static_cast<double>(block.void_count()), kVoidShareMax * kSeedsInBlock);
  EXPECT_GE(block.quorums(), kQuorumsMin);
  if (!block.promises_kept_writes()) return;
  EXPECT_GT(block.reads_checked(), 0u);
  EXPECT_GT(block.local_reads_checked(), 0u);
  EXPECT_GT(block.writes_checked(), 0u);
  EXPECT_GT(block.catch_ups_checked(), 0u);
  EXPECT_GT(block.refusals_checked(), 0u);
  EXPECT_GT(block.writes_excused(), 0u);
  EXPECT_GT(block.stale_reads_allowed(), 0u);
  if (block.promises_linearizable()) {
    EXPECT_GT(block.linearizable_reads_under_faults(), 0u);
  }
  if (block.promises_sessions()) {
    EXPECT_GT(block.sessions_checked(), 0u);
    EXPECT_GT(block.repeats_checked(), 0u);
  }
}

class Seeds : public testing::TestWithParam<std::tuple<std::string, uint64_t>> {};

TEST_P(Seeds, ShowNoViolation) {
  const auto& [strategy, group] = GetParam();
  Tally all;
  for (uint64_t i = 0; i < kBlocksInGroup; ++i) {
    const uint64_t first = 1 + (group * kBlocksInGroup + i) * kSeedsInBlock;
    SCOPED_TRACE(testing::Message() << "seeds from " << first);
    ExpectStrong(RunBlock(strategy, first, &all));
  }
  std::fputs(all.Summary().c_str(), stdout);
  if (kBlocksInGroup >= kBlocksForSituations && all.promises_kept_writes()) {
    EXPECT_THAT(all.missing_situations(), testing::IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Seeds,
                         testing::Combine(testing::ValuesIn(StrategyNames()),
                                          testing::Range(uint64_t{0}, kGroups)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace quorate::sim
