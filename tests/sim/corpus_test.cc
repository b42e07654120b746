// The corpus over replicas that keep all rules: no schedule may violate anything, neither those
// that catch a planted bug nor those of failures of the past.
#include "tests/sim/corpus.h"

#include <cstdint>
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

TEST(CorpusTest, NothingFailsWhereAllRulesAreKept) {
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

}  // namespace
}  // namespace quorate::sim
