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

// With at most 5 % void, 720 seeds are 684 valid ones for each strategy.
#ifdef QUORATE_NIGHTLY
constexpr uint64_t kBlocks = 14;
constexpr uint64_t kSeedsInBlock = 720;
#else
constexpr uint64_t kBlocks = 1;
constexpr uint64_t kSeedsInBlock = kSanitized ? 80 : 720;
#endif
// In so many seeds every situation must have come up.
constexpr uint64_t kSeedsForSituations = 720;
constexpr double kVoidShareMax = 0.05;
constexpr size_t kQuorumsMin = 10;

class Seeds : public testing::TestWithParam<std::tuple<std::string, uint64_t>> {};

TEST_P(Seeds, ShowNoViolation) {
  const auto& [strategy, block] = GetParam();
  Tally tally;
  for (uint64_t i = 0; i < kSeedsInBlock; ++i) {
    const uint64_t seed = 1 + block * kSeedsInBlock + i;
    // First of all: a run that ends the process must have said which it was.
    std::printf("seed %s %llu\n", strategy.c_str(), static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    const RunResult run = RunSeed({strategy, seed, /*full_log=*/false});
    tally.Add(run);
    EXPECT_TRUE(run.report.violations.empty()) << DescribeFailure(run);
  }
  std::fputs(tally.Summary().c_str(), stdout);
  EXPECT_LE(static_cast<double>(tally.void_count()), kVoidShareMax * kSeedsInBlock);
  EXPECT_GE(tally.quorums(), kQuorumsMin);
  if (!tally.promises_kept_writes()) return;
  // The seeds were strong enough to have shown a violation.
  EXPECT_GT(tally.reads_checked(), 0u);
  EXPECT_GT(tally.local_reads_checked(), 0u);
  EXPECT_GT(tally.writes_checked(), 0u);
  EXPECT_GT(tally.catch_ups_checked(), 0u);
  EXPECT_GT(tally.writes_excused(), 0u);
  EXPECT_GT(tally.stale_reads_allowed(), 0u);
  if (tally.promises_linearizable()) {
    EXPECT_GT(tally.linearizable_reads_under_faults(), 0u);
  }
  if (tally.promises_sessions()) {
    EXPECT_GT(tally.sessions_checked(), 0u);
    EXPECT_GT(tally.repeats_checked(), 0u);
  }
  if (kSeedsInBlock >= kSeedsForSituations) {
    EXPECT_THAT(tally.missing_situations(), testing::IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(All, Seeds,
                         testing::Combine(testing::ValuesIn(StrategyNames()),
                                          testing::Range(uint64_t{0}, kBlocks)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace quorate::sim
