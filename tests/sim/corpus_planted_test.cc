// The corpus over the replicas that break the rule which each schedule names: it must still be
// caught.
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "replication/storage/planted_bugs.h"
#include "tests/sim/corpus.h"
#include "tests/sim/planted_catalogue.h"
#include "tests/sim/runner.h"

namespace quorate::sim {
namespace {

constexpr char kFolder[] = "tests/sim/corpus";
// Whatever changes in the protocol changes delays: a schedule counts as long as some delays with
// which it shows the bug are found quickly.
constexpr uint64_t kVariations = 50;

bool Caught(Schedule schedule) {
  for (uint64_t i = 0; i < kVariations; ++i, ++schedule.setting.inner_seed) {
    for (const Violation& violation : RunSchedule(schedule).report.violations) {
      if (violation.property == schedule.setting.violates) return true;
    }
  }
  return false;
}

TEST(CorpusPlantedTest, BrokenRulesAreStillCaught) {
  const auto corpus = ReadCorpus(kFolder);
  ASSERT_TRUE(corpus.ok()) << corpus.status();
  int planted = 0;
  for (const auto& [name, schedule] : *corpus) {
    if (schedule.setting.planted.empty()) continue;
    ++planted;
    planted_bug = BugNamed(schedule.setting.planted);
    ASSERT_NE(planted_bug, Bug::kNone) << name << ": there is no rule " << schedule.setting.planted;
    EXPECT_TRUE(Caught(schedule)) << name << ": '" << schedule.setting.violates
                                  << "' is not violated any more; tests/sim/corpus/README.md says "
                                     "how to hunt the bug anew";
    planted_bug = Bug::kNone;
  }
  EXPECT_GE(planted, 4);
}

}  // namespace
}  // namespace quorate::sim
