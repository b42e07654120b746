// Schedules: their text, and that a run recorded and run again is the same run.
#include "tests/sim/schedule.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/emulated_delays.h"
#include "replication/registry.h"
#include "tests/sim/runner.h"
#include "tests/sim/shrink.h"

namespace quorate::sim {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kText[] =
    "quorate schedule 1\n"
    "strategy leader_follower\n"
    "seed 42\n"
    "inner-seed 43\n"
    "n 3\n"
    "w 2\n"
    "r 1\n"
    "leader 2\n"
    "loss 10\n"
    "repeat 0\n"
    "keys 20\n"
    "emulate lan\n"
    "planted AcceptGaps\n"
    "violates no stale reads\n"
    "heal 9.5s\n"
    "0.25s crash node=1 for=0.1s\n"
    "0.250000001s shutdown node=1 for=0.1s\n"
    "0.3s new-disk node=3 for=0.05s\n"
    "0.4s partition nodes=1,3 for=0.2s\n"
    "0.5s one-way nodes=2 for=0.2s\n"
    "0.6s clog from=1 to=3 by=0.01s for=0.2s\n"
    "0.7s pause node=2 for=1s\n"
    "0.8s clock-jump node=2 by=-1.5s\n"
    "0.9s slow-disk node=1 by=0.02s for=0.3s\n"
    "1s disk-failure node=1 for=0.3s\n"
    "1s full-disk node=2 for=0.1s\n"
    "1s bit-flip node=1 for=0.25s\n"
    "1s c0/1 set key=3 node=2 bytes=16 w=3 timeout=0.03s context session cancel=0.0015s\n"
    "1.5s c11/20 get key=0 node=1 r=2 timeout=2s session\n"
    "1.6s c11/21 delete key=19 node=1 timeout=2s context repeats=3,1,1 gives-up=0.004s\n"
    "1.7s c2/1 local-read key=4 node=3 timeout=2s\n"
    "1.8s c2/2 get key=4 node=3 linearizable timeout=2s\n";

TEST(ScheduleTextTest, SurvivesTheRoundTrip) {
  const absl::StatusOr<Schedule> schedule = ParseSchedule(kText);
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  EXPECT_EQ(schedule->faults.size(), 12u);
  EXPECT_EQ(schedule->operations.size(), 5u);
  EXPECT_TRUE(schedule->operations[4].linearizable);
  EXPECT_TRUE(schedule->operations[0].with_session);
  EXPECT_TRUE(schedule->operations[1].with_session);
  EXPECT_FALSE(schedule->operations[2].with_session);
  EXPECT_EQ(schedule->operations[2].repeats, (std::vector<NodeId>{3, 1, 1}));
  EXPECT_EQ(schedule->operations[2].give_up_after, absl::Milliseconds(4));
  EXPECT_TRUE(schedule->operations[0].repeats.empty());
  EXPECT_EQ(schedule->faults[1].at, absl::Milliseconds(250) + absl::Nanoseconds(1));
  EXPECT_EQ(schedule->faults[3].nodes, (std::vector<NodeId>{1, 3}));
  EXPECT_EQ(schedule->faults[7].amount, -absl::Milliseconds(1500));
  EXPECT_EQ(schedule->operations[0].cancel_after, absl::Microseconds(1500));
  EXPECT_EQ(schedule->operations[1].r, 2);
  EXPECT_EQ(schedule->setting.violates, "no stale reads");
  // The order of the settings is the writer's.
  const absl::StatusOr<Schedule> again = ParseSchedule(ToText(*schedule));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(*again == *schedule) << ToText(*again);
  EXPECT_EQ(ToText(*again), ToText(*schedule));
}

TEST(ScheduleTextTest, HasAWriteModeAndWhatIsExpected) {
  std::string text =
      absl::StrReplaceAll(kText, {{"leader_follower", "leaderless"},
                                  {"leader 2\n", "write-mode linearizable\nexpect linearizable\n"},
                                  {"r 1", "r 2"}});
  const absl::StatusOr<Schedule> schedule = ParseSchedule(text);
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  EXPECT_EQ(schedule->setting.write_mode, WriteMode::kLinearizable);
  EXPECT_TRUE(schedule->setting.expect_linearizable);
  EXPECT_TRUE(*ParseSchedule(ToText(*schedule)) == *schedule);
  text = absl::StrReplaceAll(text, {{"r 2", "r 3"}});
  EXPECT_THAT(std::string(ParseSchedule(text).status().message()), HasSubstr("with a majority"));
}

TEST(ScheduleTextTest, HasADurabilityThatRunsHave) {
  for (const Durability durability : {Durability::kMemory, Durability::kOs, Durability::kSynced}) {
    const std::string name = DurabilityName(durability);
    const absl::StatusOr<Schedule> schedule = ParseSchedule(
        absl::StrReplaceAll(kText, {{"emulate lan\nplanted AcceptGaps", "durability " + name}}));
    ASSERT_TRUE(schedule.ok()) << schedule.status();
    EXPECT_TRUE(*ParseSchedule(ToText(*schedule)) == *schedule);
    const RunResult run = RunSchedule(*schedule);
    EXPECT_EQ(run.plan.cluster.config.durability, durability);
    EXPECT_EQ(run.history->setting().durability, durability);
  }
}

TEST(ScheduleTextTest, CommentsAndEmptyLinesMayStandAnywhere) {
  const std::string text = absl::StrReplaceAll(kText, {{"heal", "# why\n\n  # indented\nheal"}});
  const absl::StatusOr<Schedule> schedule = ParseSchedule(text);
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  EXPECT_TRUE(*schedule == *ParseSchedule(kText));
}

// Each breaks one thing of the text above, and is named by what the message says of it.
TEST(ScheduleTextTest, SaysWhatIsWrongAndWhere) {
  struct Case {
    const char* is;
    const char* becomes;
    const char* message;
  };
  const std::vector<Case> cases = {
      {"quorate schedule 1", "quorate schedule 2", "line 1: a schedule begins with"},
      {"strategy leader_follower", "strategy paxos", "line 2: 'paxos' cannot be the strategy"},
      {"strategy leader_follower\n", "", "'strategy' is missing"},
      {"leader 2\n", "", "'leader' is one of the nodes"},
      {"leader 2\n", "leader 4\n", "'leader' is one of the nodes"},
      {"\nw 2", "\nw 4", "at most n"},
      {"\nn 3", "\nn 64", "'64' cannot be the n"},
      {"keys 20", "keys 0", "'0' cannot be the keys"},
      {"keys 20", "colour 20", "there is no setting 'colour'"},
      {"emulate lan", "emulate moon", "'moon' cannot be the emulate"},
      {"emulate lan", "durability stone", "'stone' cannot be the durability"},
      {"heal 9.5s", "heal 1.5s", "no event comes after 'heal'"},
      {"heal 9.5s\n", "", "'heal' is missing"},
      {"node=1 for=0.1s", "node=4 for=0.1s", "line 16: 'node' names nodes from 1 to 3"},
      {"node=1 for=0.1s", "node=1,2 for=0.1s", "a crash takes 1 node"},
      {"node=1 for=0.1s", "node=1 for=-1s", "'for' is a duration"},
      {"node=1 for=0.1s", "node=1", "'for' is a duration"},
      {"from=1 to=3", "from=1 to=1", "two nodes"},
      {"0.25s crash", "0.25s melt", "'melt' is neither a fault nor an operation"},
      {"0.25s crash", "0.27s crash", "line 17: events stand in order of time"},
      {"0.25s crash", "0.25 crash", "'0.25' is no time"},
      {"key=3 node=2", "key=3 key=4 node=2", "'key' is there twice"},
      {"key=3 node=2", "node=2", "'key' is a number"},
      {"w=3 timeout", "w=0 timeout", "'w' is a number from 1 to 3"},
      {"get key=0", "get bytes=1 key=0", "'bytes' does not belong here"},
      {"local-read key=4", "local-read linearizable key=4", "'linearizable' does not belong here"},
      {"local-read key=4", "local-read session key=4", "'session' does not belong here"},
      {"local-read key=4", "local-read repeats=1 key=4", "'repeats' does not belong here"},
      {"repeats=3,1,1", "repeats=3,4", "'repeats' names nodes from 1 to 3"},
      {"repeats=3,1,1 gives", "gives", "'gives-up' does not belong here"},
      {"keys 20", "keys 20\nexpect rain", "'rain' cannot be the expect"},
      {"get key=0", "read key=0", "there is no operation 'read'"},
      {"timeout=2s context", "timeout=2s context=1", "'context' takes no value"},
  };
  for (const Case& wrong : cases) {
    const std::string text = absl::StrReplaceAll(kText, {{wrong.is, wrong.becomes}});
    ASSERT_NE(text, kText) << wrong.is;
    const absl::StatusOr<Schedule> schedule = ParseSchedule(text);
    EXPECT_EQ(schedule.status().code(), absl::StatusCode::kInvalidArgument) << wrong.becomes;
    EXPECT_THAT(std::string(schedule.status().message()), HasSubstr(wrong.message));
  }
}

TEST(FaultKindTest, HasTheWordOfTheText) {
  EXPECT_EQ(FaultKindOf("one-way"), FaultKind::kOneWay);
  EXPECT_EQ(FaultKindOf("new-disk"), FaultKind::kNewDisk);
  EXPECT_EQ(FaultKindOf("one-way-partition"), std::nullopt);
  EXPECT_EQ(FaultKindOf(""), std::nullopt);
}

TEST(ScheduleFileTest, IsWrittenAndRead) {
  const Schedule schedule = *ParseSchedule(kText);
  const std::string path = absl::StrCat(testing::TempDir(), "/a.schedule");
  ASSERT_TRUE(WriteSchedule(path, schedule).ok());
  const absl::StatusOr<Schedule> read = ReadSchedule(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == schedule);
  EXPECT_EQ(ReadSchedule(path + ".not").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(WriteSchedule("/no/such/folder/x", schedule).code(), absl::StatusCode::kUnavailable);
}

class Replay : public testing::TestWithParam<std::string> {};

TEST_P(Replay, OfARecordIsTheSameRun) {
  const EmulatedDelays delays = *EmulatedDelays::Parse("wan3");
  for (uint64_t seed = 700001; seed <= 700012; ++seed) {
    const RunResult run =
        RunSeed({GetParam(), seed, /*full_log=*/false, seed % 6 == 0 ? delays : EmulatedDelays()});
    EXPECT_GE(run.schedule.operations.size(), static_cast<size_t>(kOperationsNeeded));
    EXPECT_GE(run.schedule.faults.size(), static_cast<size_t>(kFaultsNeeded));
    const absl::StatusOr<Schedule> schedule = ParseSchedule(ToText(run.schedule));
    ASSERT_TRUE(schedule.ok()) << schedule.status();
    EXPECT_TRUE(*schedule == run.schedule) << RerunCommand(run);
    const RunResult again = RunSchedule(*schedule);
    EXPECT_EQ(run.trace_hash, again.trace_hash) << RerunCommand(run);
    EXPECT_EQ(run.history->events().size(), again.history->events().size());
    EXPECT_EQ(run.virtual_time, again.virtual_time);
  }
}

// Of what happens to a cluster, the rest stays as it is when one event goes: times, nodes, values.
TEST_P(Replay, OneEventLessIsAnotherRunOfTheOthers) {
  Schedule schedule = RunSeed({GetParam(), 700001}).schedule;
  schedule.operations.erase(schedule.operations.begin() + 100);
  const RunResult run = RunSchedule(schedule);
  EXPECT_TRUE(run.valid());
  EXPECT_THAT(run.report.violations, IsEmpty()) << DescribeViolations(run);
  size_t issued = 0;
  for (const HistoryOperation& operation : run.history->operations()) {
    issued += operation.final_phase ? 0 : 1;
  }
  // Clients that still wait for an answer at the end do not issue the rest.
  EXPECT_LE(issued, schedule.operations.size());
  EXPECT_GE(issued + 20, schedule.operations.size());
}

TEST_P(Replay, OfNothingHealsAndIsChecked) {
  Schedule schedule = RunSeed({GetParam(), 700001}).schedule;
  schedule.faults.clear();
  schedule.operations.clear();
  const RunResult run = RunSchedule(schedule);
  EXPECT_TRUE(run.valid());
  EXPECT_THAT(run.report.violations, IsEmpty()) << DescribeViolations(run);
  EXPECT_FALSE(run.history->operations().empty());
}

TEST_P(Replay, StopsAtATime) {
  RunOptions options{GetParam(), 700001};
  const RunResult whole = RunSeed(options);
  EXPECT_TRUE(whole.whole);
  options.until = absl::Milliseconds(1234);
  const RunResult cut = RunSeed(options);
  EXPECT_FALSE(cut.whole);
  EXPECT_EQ(cut.virtual_time, options.until);
  EXPECT_THAT(cut.report.violations, IsEmpty());
  ASSERT_LT(cut.history->events().size(), whole.history->events().size());
  ASSERT_FALSE(cut.history->events().empty());
  EXPECT_LE(cut.history->events().back().at, options.until);
  EXPECT_EQ(cut.history->events().back().at,
            whole.history->events()[cut.history->events().size() - 1].at);
  EXPECT_EQ(RunSeed(options).trace_hash, cut.trace_hash);
}

INSTANTIATE_TEST_SUITE_P(All, Replay, testing::ValuesIn(StrategyNames()),
                         [](const auto& info) { return info.param; });

TEST(FailureTest, SaysHowToRunAndShrinkIt) {
  RunOptions options{"leaderless", 700001};
  options.write_mode = WriteMode::kLinearizable;
  const RunResult run = RunSeed(options);
  const std::string command =
      "bazel run //tests/sim:sim -- --strategy=leaderless --seed=700001 --write_mode=linearizable";
  EXPECT_THAT(DescribeFailure(run), HasSubstr(command + " --log=full\n"));
  EXPECT_THAT(DescribeFailure(run), HasSubstr(command + " --shrink\n"));
}

TEST(ShrinkTest, OfWhatDoesNotFailIsRefused) {
  const RunResult run = RunSeed({"leaderless", 700001});
  EXPECT_EQ(Shrink(run.schedule, ShrinkOptions()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(WithoutNodeTest, MovesWhatIsLeft) {
  const Schedule schedule = *ParseSchedule(kText);
  const Schedule less = WithoutNode(schedule, 1, 2, 1);
  EXPECT_EQ(less.setting.n, 2);
  EXPECT_EQ(less.setting.leader, 1u);
  // What happened to node 1 is gone; of the cuts, node 2 (now 1) on its own and node 3 (now 2) are.
  std::vector<std::string> faults;
  for (const Fault& fault : less.faults) faults.push_back(ToText(fault));
  EXPECT_THAT(faults, testing::ElementsAre(
                          "0.3s new-disk node=2 for=0.05s", "0.4s partition nodes=2 for=0.2s",
                          "0.5s one-way nodes=1 for=0.2s", "0.7s pause node=1 for=1s",
                          "0.8s clock-jump node=1 by=-1.5s", "1s full-disk node=1 for=0.1s"));
  EXPECT_EQ(less.operations.size(), schedule.operations.size());
  EXPECT_EQ(less.operations[0].w, 2);
  const absl::StatusOr<Schedule> parsed = ParseSchedule(ToText(less));
  EXPECT_TRUE(parsed.ok()) << parsed.status();
}

}  // namespace
}  // namespace quorate::sim
