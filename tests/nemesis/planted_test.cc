// Replicas that break a rule on purpose are found out by a short run, and by the check that is
// about that rule; the same schedule finds nothing where they keep it.
#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

#include "tests/nemesis/draw_schedule.h"
#include "tests/nemesis/nemesis.h"
#include "tests/nemesis/run_fixture.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {
namespace {

// On a busy machine what a schedule wants to happen at one moment may not.
constexpr int kRuns = 3;

struct Planted {
  const char* rule;
  const char* property;
  std::function<absl::StatusOr<sim::Schedule>()> schedule;
};

absl::StatusOr<sim::Schedule> Written(const std::string& name) {
  return sim::ReadSchedule("tests/nemesis/schedules/" + name + ".schedule");
}

// Three nodes, few keys, and messages that are slow or do not arrive.
DrawOptions Small() {
  DrawOptions options;
  options.strategy = "leaderless";
  options.length = absl::Seconds(6);
  options.durability = Durability::kMemory;
  options.n = 3;
  options.w = 2;
  options.r = 2;
  options.kinds = {sim::FaultKind::kClog, sim::FaultKind::kOneWay, sim::FaultKind::kPartition};
  options.gap_mean = absl::Milliseconds(300);
  options.think_mean = absl::Milliseconds(15);
  options.keys = 10;
  return options;
}

absl::StatusOr<sim::Schedule> OneReplicaEach() {
  DrawOptions options = Small();
  options.w = 1;
  options.r = 1;
  return DrawSchedule(options);
}

// What leaves node 1 is on its way for 50 ms. Again and again a write of it, which has asked first
// what is newest, is cut off just before it arrives; node 1 reads it; then the others read.
absl::StatusOr<sim::Schedule> ReadByItsWriterFirst() {
  DrawOptions options = Small();
  options.write_mode = WriteMode::kLinearizable;
  options.seed = 3;  // ways between nodes that are short beside what is set here
  options.length = absl::Seconds(8);
  sim::Schedule schedule = DrawSchedule(options);
  schedule.faults.clear();
  for (const NodeId to : {NodeId{2}, NodeId{3}}) {
    sim::Fault slow;
    slow.at = absl::Milliseconds(500);
    slow.kind = sim::FaultKind::kClog;
    slow.nodes = {1, to};
    slow.amount = absl::Milliseconds(50);
    slow.length = options.length;
    schedule.faults.push_back(slow);
  }
  int round = 0;
  for (absl::Duration at = absl::Seconds(1); at < options.length; at += absl::Milliseconds(200)) {
    sim::Fault cut;
    cut.at = at + absl::Milliseconds(92);
    cut.kind = sim::FaultKind::kOneWay;
    cut.nodes = {1};
    cut.length = absl::Milliseconds(26);
    schedule.faults.push_back(cut);
    const int key = schedule.setting.keys++;
    ++round;
    std::vector<std::pair<int, int>> asked = {{0, 1}, {72, 1}};
    for (const int after : {138, 146, 154, 162}) {
      for (const int node : {2, 3}) asked.emplace_back(after, node);
    }
    for (const auto& [after, node] : asked) {
      sim::ScheduledOperation operation;
      operation.at = at + absl::Milliseconds(after);
      operation.client = options.clients + round * 1000 + after * 10 + node;
      operation.number = 1;
      operation.node = static_cast<NodeId>(node);
      operation.key = key;
      operation.kind = after == 0 ? OperationKind::kSet : OperationKind::kGet;
      operation.timeout = absl::Seconds(1);
      schedule.operations.push_back(operation);
    }
  }
  std::stable_sort(schedule.operations.begin(), schedule.operations.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  return schedule;
}

// All nodes at once, while their disks are behind. Shortly before the end, so that what is lost is
// not written over.
absl::StatusOr<sim::Schedule> PowerIsLost() {
  DrawOptions options = Small();
  options.strategy = "leader_follower";
  options.durability = Durability::kSynced;
  options.keys = 300;
  sim::Schedule schedule = DrawSchedule(options);
  schedule.faults.clear();
  for (const auto& [kind, at] : {std::pair(sim::FaultKind::kSlowDisk, absl::Seconds(1)),
                                 std::pair(sim::FaultKind::kCrash, absl::Milliseconds(5500))}) {
    for (NodeId node = 1; node <= 3; ++node) {
      sim::Fault fault;
      fault.at = at;
      fault.kind = kind;
      fault.nodes = {node};
      fault.length = kind == sim::FaultKind::kCrash ? absl::Milliseconds(100) : absl::Seconds(5);
      if (kind == sim::FaultKind::kSlowDisk) fault.amount = absl::Milliseconds(200);
      schedule.faults.push_back(fault);
    }
  }
  return schedule;
}

class PlantedTest : public RunFixture, public ::testing::WithParamInterface<Planted> {};

TEST_P(PlantedTest, ABrokenRuleIsNoticed) {
  absl::StatusOr<sim::Schedule> schedule = GetParam().schedule();
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  schedule->setting.planted = GetParam().rule;
  bool noticed = false;
  for (int run = 0; run < kRuns && !noticed; ++run) {
    const absl::StatusOr<NemesisResult> broken = Run(*schedule, Variable("NEMESIS_NODE_PLANTED"));
    ASSERT_TRUE(broken.ok()) << broken.status();
    noticed = broken->verdict.conflicts.count(GetParam().property) > 0;
  }
  EXPECT_TRUE(noticed) << GetParam().property;

  schedule->setting.planted.clear();
  const absl::StatusOr<NemesisResult> kept = Run(*schedule, Variable("NEMESIS_NODE"));
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_TRUE(kept->verdict.violations.empty());
  EXPECT_EQ(kept->verdict.TooLittle(), "");
}

INSTANTIATE_TEST_SUITE_P(
    All, PlantedTest,
    ::testing::Values(
        Planted{"AnswerBeforeW", "no stale reads", [] { return Written("answer-before-w"); }},
        Planted{"SyncingAnswersAbsent", "no stale reads",
                [] { return Written("syncing-answers-absent"); }},
        Planted{"ForgetSession", "sessions do not go back", OneReplicaEach},
        Planted{"ReadWithoutWriteBack", "linearizable", ReadByItsWriterFirst},
        Planted{"AcknowledgeBeforeDurable", "acknowledged writes are there", PowerIsLost}),
    [](const auto& info) { return std::string(info.param.rule); });

}  // namespace
}  // namespace quorate::nemesis
