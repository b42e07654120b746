// One schedule file, through the simulator and against real processes: both do all of it, and
// neither violates anything.
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

#include "tests/nemesis/nemesis.h"
#include "tests/nemesis/run_fixture.h"
#include "tests/sim/runner.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {
namespace {

class BothWorldsTest : public RunFixture {};

TEST_F(BothWorldsTest, RunTheSameSchedule) {
  const absl::StatusOr<sim::Schedule> schedule =
      sim::ReadSchedule("tests/nemesis/schedules/both-worlds.schedule");
  ASSERT_TRUE(schedule.ok()) << schedule.status();

  const sim::RunResult simulated = sim::RunSchedule(*schedule);
  EXPECT_TRUE(simulated.report.violations.empty()) << sim::DescribeFailure(simulated);
  EXPECT_GT(simulated.report.reads_checked, 0u);
  int simulated_faults = 0;
  for (const auto& [kind, count] : simulated.faults) simulated_faults += count;
  EXPECT_EQ(simulated_faults, static_cast<int>(schedule->faults.size()));

  const absl::StatusOr<NemesisResult> run = Run(*schedule, Variable("NEMESIS_NODE"));
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_TRUE(run->verdict.violations.empty());
  EXPECT_EQ(run->void_reason, "");
  EXPECT_GT(run->verdict.reads_checked, 0u);
  int real_faults = 0;
  for (const auto& [name, count] : run->faults) real_faults += count;
  EXPECT_EQ(real_faults, simulated_faults);
  EXPECT_EQ(run->durability, simulated.plan.cluster.config.durability);
}

}  // namespace
}  // namespace quorate::nemesis
