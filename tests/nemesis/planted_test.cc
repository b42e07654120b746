// Replicas that break a rule on purpose are found out by a short run, and by the check that is
// about that rule; the same schedule finds nothing where they keep it.
#include <string>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

#include "tests/nemesis/nemesis.h"
#include "tests/nemesis/run_fixture.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {
namespace {

struct Planted {
  const char* schedule;
  const char* property;
};

class PlantedTest : public RunFixture, public ::testing::WithParamInterface<Planted> {};

TEST_P(PlantedTest, ABrokenRuleIsNoticed) {
  absl::StatusOr<sim::Schedule> schedule = sim::ReadSchedule(
      std::string("tests/nemesis/schedules/") + GetParam().schedule + ".schedule");
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  ASSERT_NE(schedule->setting.planted, "");
  const absl::StatusOr<NemesisResult> broken = Run(*schedule, Variable("NEMESIS_NODE_PLANTED"));
  ASSERT_TRUE(broken.ok()) << broken.status();
  EXPECT_GT(broken->verdict.conflicts.count(GetParam().property), 0u) << GetParam().property;

  schedule->setting.planted.clear();
  const absl::StatusOr<NemesisResult> kept = Run(*schedule, Variable("NEMESIS_NODE"));
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_TRUE(kept->verdict.violations.empty());
  EXPECT_GT(kept->verdict.reads_checked, 0u);
}

INSTANTIATE_TEST_SUITE_P(All, PlantedTest,
                         ::testing::Values(Planted{"answer-before-w", "no stale reads"},
                                           Planted{"syncing-answers-absent", "no stale reads"}),
                         [](const auto& info) {
                           std::string name = info.param.schedule;
                           for (char& letter : name) letter = letter == '-' ? '_' : letter;
                           return name;
                         });

}  // namespace
}  // namespace quorate::nemesis
