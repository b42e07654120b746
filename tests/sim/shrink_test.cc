// What a planted bug does is made small, stays the same failure, and can be drawn.
#include "tests/sim/shrink.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/storage/planted_bugs.h"
#include "tests/sim/diagram.h"
#include "tests/sim/message_log.h"
#include "tests/sim/planted_catalogue.h"
#include "tests/sim/runner.h"
#include "tests/sim/schedule.h"

namespace quorate::sim {
namespace {

using testing::HasSubstr;

constexpr size_t kEventsMax = 20;
constexpr size_t kColumnsMax = 120;

void ExpectStillFails(const Schedule& small) {
  // The file alone repeats it.
  const absl::StatusOr<Schedule> read = ParseSchedule(ToText(small));
  ASSERT_TRUE(read.ok()) << read.status();
  std::vector<std::string> violated;
  for (const Violation& violation : RunSchedule(*read).report.violations) {
    violated.push_back(violation.property);
  }
  EXPECT_THAT(violated, testing::Contains(small.setting.violates));
}

void ExpectDrawn(const Schedule& small) {
  MessageLog messages;
  RunOptions options;
  options.messages = &messages;
  const RunResult run = RunSchedule(small, options);
  const std::string diagram = Diagram(run, messages);
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(diagram, '\n'))) {
    EXPECT_LE(line.size(), kColumnsMax) << line;
  }
  for (const ScheduledOperation& operation : small.operations) {
    EXPECT_THAT(diagram, HasSubstr(operation.Name() + ": "));
  }
  for (const Fault& fault : small.faults) {
    const std::string text = ToText(fault);
    EXPECT_THAT(diagram, HasSubstr("FAULT" + text.substr(text.find(' '))));
  }
  const auto names_operations = [](const Violation& violation) {
    return !violation.operations.empty();
  };
  const auto& violations = run.report.violations;
  if (std::any_of(violations.begin(), violations.end(), names_operations)) {
    EXPECT_THAT(diagram, HasSubstr("<== violation"));
  }
  EXPECT_THAT(diagram, HasSubstr("healed"));
}

class ShrinkPlantedTest : public testing::TestWithParam<Bug> {};

TEST_P(ShrinkPlantedTest, IsSmallFailsAndIsDrawn) {
  const std::optional<Catch> caught = Hunt(GetParam(), 200);
  ASSERT_TRUE(caught.has_value());
  planted_bug = GetParam();
  const Schedule start = RunSeed({caught->strategy, caught->seeds}).schedule;
  const absl::StatusOr<Shrunk> shrunk = Shrink(start, ShrinkOptions());
  ASSERT_TRUE(shrunk.ok()) << shrunk.status();
  const Schedule& small = shrunk->schedule;
  EXPECT_LT(small.size(), kEventsMax) << ToText(small);
  EXPECT_LE(small.setting.n, start.setting.n);
  EXPECT_LE(shrunk->runs, ShrinkOptions().runs_max);
  ExpectStillFails(small);
  ExpectDrawn(small);
  // It is the bug that fails.
  planted_bug = Bug::kNone;
  EXPECT_THAT(RunSchedule(small).report.violations, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(All, ShrinkPlantedTest,
                         testing::Values(Bug::kReplaceUnseen, Bug::kReuseEpoch,
                                         Bug::kCaughtUpBeforePulled));

// The budget ends it, with what has been reached.
TEST(ShrinkTest, StopsAfterSoManyRuns) {
  planted_bug = Bug::kAnswerBeforeW;
  const std::optional<Catch> caught = Hunt(Bug::kAnswerBeforeW, 200);
  ASSERT_TRUE(caught.has_value());
  planted_bug = Bug::kAnswerBeforeW;
  ShrinkOptions options;
  options.runs_max = 5;
  int lines = 0;
  options.progress = [&lines](const std::string&) { ++lines; };
  const absl::StatusOr<Shrunk> shrunk =
      Shrink(RunSeed({caught->strategy, caught->seeds}).schedule, options);
  planted_bug = Bug::kNone;
  ASSERT_TRUE(shrunk.ok()) << shrunk.status();
  EXPECT_EQ(shrunk->runs, 5);
  EXPECT_GT(lines, 0);
}

// A property that the run does not violate cannot be kept violated.
TEST(ShrinkTest, NamesThePropertyThatIsViolatedInstead) {
  const std::optional<Catch> caught = Hunt(Bug::kAnswerBeforeW, 200);
  ASSERT_TRUE(caught.has_value());
  planted_bug = Bug::kAnswerBeforeW;
  ShrinkOptions options;
  options.property = "no such thing";
  const absl::StatusOr<Shrunk> shrunk =
      Shrink(RunSeed({caught->strategy, caught->seeds}).schedule, options);
  planted_bug = Bug::kNone;
  ASSERT_FALSE(shrunk.ok());
  EXPECT_THAT(std::string(shrunk.status().message()), HasSubstr(caught->properties.begin()->first));
}

}  // namespace
}  // namespace quorate::sim
