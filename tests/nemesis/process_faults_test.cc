// ProcessFaults over processes that are only said to be there.
#include "tests/nemesis/process_faults.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "replication/storage/stored_state.h"
#include "replication/storage/version.h"
#include "tests/nemesis/fault_timeline.h"
#include "tests/nemesis/forgotten.h"
#include "tests/nemesis/node_processes.h"
#include "tests/sim/schedule.h"

namespace quorate::nemesis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr NodeId kNodes = 3;

class FakeProcesses : public NodeProcesses {
 public:
  struct Node {
    bool up = true;
    bool ended_well = false;
    bool asked_to_end = false;
    bool paused = false;
    bool full = false;
    int wiped = 0;
    int life = 1;
  };

  NodeId size() const override { return kNodes; }
  absl::Status Start(NodeId node) override {
    if (nodes[node].up) return absl::OkStatus();
    EXPECT_FALSE(nodes[node].full) << "nothing can begin on a full disk";
    nodes[node].up = true;
    ++nodes[node].life;
    return absl::OkStatus();
  }
  bool Up(NodeId node) override { return nodes[node].up; }
  void Kill(NodeId node) override { End(node, /*well=*/false); }
  void Terminate(NodeId node) override { nodes[node].asked_to_end = true; }
  bool EndedWell(NodeId node) const override { return nodes.at(node).ended_well; }
  std::string HowItEnded(NodeId) const override { return "somehow"; }
  void Pause(NodeId node) override { nodes[node].paused = true; }
  void Resume(NodeId node) override { nodes[node].paused = false; }
  int life(NodeId node) const override { return nodes.at(node).life; }
  void Wipe(NodeId node) override {
    EXPECT_FALSE(nodes[node].up);
    ++nodes[node].wiped;
  }
  absl::Status FillDisk(NodeId node) override {
    nodes[node].full = true;
    return absl::OkStatus();
  }
  void EmptyDisk(NodeId node) override { nodes[node].full = false; }
  std::string LogTail(NodeId) const override { return ""; }

  // The process is gone, by itself or as it was asked to.
  void End(NodeId node, bool well) {
    nodes[node].up = nodes[node].paused = nodes[node].asked_to_end = false;
    nodes[node].ended_well = well;
  }

  std::map<NodeId, Node> nodes = {{1, {}}, {2, {}}, {3, {}}};
};

class ProcessFaultsTest : public ::testing::Test {
 protected:
  void Use(Durability durability, const std::string& events, bool can_fill_disks = true) {
    const absl::StatusOr<sim::Schedule> schedule = sim::ParseSchedule(absl::StrCat(
        "quorate schedule 1\nstrategy leaderless\nn 3\nw 2\nr 2\nkeys 1\nheal 60s\n", events));
    ASSERT_TRUE(schedule.ok()) << schedule.status();
    schedule_ = *schedule;
    timeline_ = std::make_unique<FaultTimeline>(schedule_, can_fill_disks);
    faults_ = std::make_unique<ProcessFaults>(schedule_, durability, *timeline_, &processes_);
  }

  // Goes on in small steps.
  void To(int milliseconds) {
    for (; now_ <= absl::Milliseconds(milliseconds); now_ += absl::Milliseconds(100)) {
      const absl::Status advanced = faults_->Advance(now_);
      ASSERT_TRUE(advanced.ok()) << advanced;
    }
  }

  const FakeProcesses::Node& node(NodeId node) { return processes_.nodes[node]; }

  // "node from until" of each time that somebody may have forgotten.
  std::vector<std::string> Account() const {
    std::vector<std::string> account;
    for (const Forgotten& one : faults_->forgotten()) {
      account.push_back(absl::StrCat(one.node, " ", absl::FormatDuration(one.from), " ",
                                     absl::FormatDuration(one.until)));
    }
    return account;
  }

  FakeProcesses processes_;
  sim::Schedule schedule_;
  std::unique_ptr<FaultTimeline> timeline_;
  std::unique_ptr<ProcessFaults> faults_;
  absl::Duration now_;
};

TEST_F(ProcessFaultsTest, ACrashForgetsInMemoryUntilTheNodeIsSeenToServe) {
  Use(Durability::kMemory, "1s crash node=2 for=1s\n");
  To(900);
  EXPECT_TRUE(node(2).up);
  EXPECT_TRUE(faults_->Serves(2));
  To(1900);
  EXPECT_FALSE(node(2).up);
  EXPECT_FALSE(faults_->Serves(2));
  EXPECT_THAT(Account(), ElementsAre("2 1s inf"));
  To(2000);
  EXPECT_TRUE(node(2).up);
  EXPECT_EQ(faults_->restarts(), 1);
  // What the life before it had said comes late.
  faults_->OnServing(2, /*life=*/1, absl::Seconds(2));
  EXPECT_FALSE(faults_->Serves(2));
  EXPECT_THAT(Account(), ElementsAre("2 1s inf"));
  faults_->OnServing(2, /*life=*/2, absl::Seconds(3));
  EXPECT_TRUE(faults_->Serves(2));
  EXPECT_THAT(Account(), ElementsAre("2 1s 3s"));
  EXPECT_THAT(faults_->defects(), IsEmpty());
}

TEST_F(ProcessFaultsTest, WhoForgetsAgainBeforeItHasServedHasForgottenAllAlong) {
  Use(Durability::kMemory,
      "1s crash node=2 for=500ms\n2s crash node=2 for=500ms\n4s crash node=2 for=500ms\n");
  To(3000);
  EXPECT_THAT(Account(), ElementsAre("2 1s inf"));
  faults_->OnServing(2, /*life=*/3, absl::Seconds(3));
  To(5000);
  EXPECT_THAT(Account(), ElementsAre("2 1s 3s", "2 4s inf"));
}

TEST_F(ProcessFaultsTest, ACrashForgetsNothingThatWasSynced) {
  Use(Durability::kSynced, "1s crash node=2 for=1s\n");
  To(3000);
  EXPECT_THAT(Account(), IsEmpty());
  EXPECT_FALSE(faults_->Serves(2));
}

TEST_F(ProcessFaultsTest, ACrashForgetsWhatTheSystemHad) {
  Use(Durability::kOs, "1s crash node=2 for=1s\n");
  To(3000);
  EXPECT_THAT(Account(), ElementsAre("2 1s inf"));
}

TEST_F(ProcessFaultsTest, ANewDiskForgetsWhateverItHadSynced) {
  Use(Durability::kSynced,
      "1s new-disk node=2 for=1s\n2.5s crash node=3 for=5s\n"
      "4s new-disk node=3 for=1s\n");
  To(6000);
  EXPECT_EQ(node(2).wiped, 1);
  // Also where it is lost while nobody runs.
  EXPECT_EQ(node(3).wiped, 1);
  EXPECT_THAT(Account(), ElementsAre("2 1s inf", "3 4s inf"));
}

TEST_F(ProcessFaultsTest, WhoEndsWellForgetsWhatWasInMemoryAlone) {
  for (const Durability durability : {Durability::kMemory, Durability::kOs, Durability::kSynced}) {
    processes_ = FakeProcesses();
    now_ = absl::ZeroDuration();
    Use(durability, "1s shutdown node=2 for=1s\n");
    To(1000);
    EXPECT_TRUE(node(2).asked_to_end);
    EXPECT_FALSE(faults_->Serves(2));
    EXPECT_THAT(Account(), IsEmpty());
    // A last answer does not mean that it serves.
    faults_->OnServing(2, /*life=*/1, absl::Seconds(1));
    EXPECT_FALSE(faults_->Serves(2));
    processes_.End(2, /*well=*/true);
    To(3000);
    EXPECT_TRUE(node(2).up);
    EXPECT_EQ(faults_->forgotten().size(), durability == Durability::kMemory ? 1u : 0u);
    EXPECT_THAT(faults_->defects(), IsEmpty());
  }
}

TEST_F(ProcessFaultsTest, WhoEndsBadlyIsADefectAndMayHaveForgotten) {
  for (const bool asked : {true, false}) {
    for (const Durability durability : {Durability::kOs, Durability::kSynced}) {
      processes_ = FakeProcesses();
      now_ = absl::ZeroDuration();
      Use(durability, asked ? "1s shutdown node=2 for=1s\n" : "");
      To(1000);
      processes_.End(2, /*well=*/false);
      To(1500);
      EXPECT_THAT(faults_->defects(),
                  ElementsAre(HasSubstr(asked ? "node 2 ended badly" : "node 2 ended by itself")));
      EXPECT_EQ(faults_->forgotten().size(), durability == Durability::kOs ? 1u : 0u);
    }
  }
}

TEST_F(ProcessFaultsTest, WhoTakesTooLongToEndIsKilledAndStartedThen) {
  Use(Durability::kMemory, "1s shutdown node=2 for=1s\n");
  To(10900);
  EXPECT_TRUE(node(2).up);
  EXPECT_EQ(node(2).life, 1);
  To(12000);
  EXPECT_TRUE(node(2).up);
  EXPECT_EQ(node(2).life, 2);
  EXPECT_THAT(Account(), ElementsAre("2 11s inf"));
  EXPECT_THAT(faults_->defects(), ElementsAre(HasSubstr("did not end within 10s")));
}

TEST_F(ProcessFaultsTest, APauseEndsAndAnEndingNodeIsNotPaused) {
  Use(Durability::kSynced,
      "1s pause node=2 for=1s\n1.5s pause node=2 for=1s\n3s shutdown node=2 for=1s\n"
      "3.5s pause node=2 for=1s\n");
  To(2200);
  EXPECT_TRUE(node(2).paused);
  To(2500);
  EXPECT_FALSE(node(2).paused);
  To(3600);
  EXPECT_FALSE(node(2).paused);
}

TEST_F(ProcessFaultsTest, AFullDiskLetsNobodyBeginUntilItsTimeIsOver) {
  for (const bool can_fill_disks : {true, false}) {
    processes_ = FakeProcesses();
    now_ = absl::ZeroDuration();
    Use(Durability::kSynced, "1s full-disk node=2 for=4s\n2s crash node=2 for=1s\n",
        can_fill_disks);
    To(4900);
    EXPECT_EQ(node(2).full, can_fill_disks);
    EXPECT_FALSE(node(2).up);
    To(5000);
    EXPECT_FALSE(node(2).full);
    EXPECT_TRUE(node(2).up);
    EXPECT_EQ(faults_->restarts(), 1);
    EXPECT_THAT(faults_->defects(), IsEmpty());
  }
}

TEST_F(ProcessFaultsTest, WhoeverRanOutOfRoomIsStartedAnewOnceThereIsSome) {
  Use(Durability::kSynced, "1s full-disk node=2 for=1s\n");
  To(1900);
  EXPECT_EQ(node(2).life, 1);
  To(2000);
  EXPECT_TRUE(node(2).up);
  EXPECT_EQ(node(2).life, 2);
}

TEST_F(ProcessFaultsTest, ADiskRunsFullUnderNobodyAndANewOneHasRoom) {
  Use(Durability::kSynced,
      "1s crash node=2 for=2s\n1s crash node=3 for=9s\n1.5s full-disk node=2 for=3s\n"
      "1.5s full-disk node=3 for=6s\n2s new-disk node=3 for=1s\n");
  To(3000);
  EXPECT_FALSE(node(2).up);
  EXPECT_TRUE(node(3).up);
  To(4500);
  EXPECT_TRUE(node(2).up);
  To(12000);
  EXPECT_EQ(node(2).life, 2);
  EXPECT_EQ(node(3).life, 2);
  EXPECT_THAT(faults_->left_out(), IsEmpty());
}

TEST_F(ProcessFaultsTest, AFailedDiskIsInOrderForTheNextProcess) {
  Use(Durability::kOs,
      "1s disk-failure node=2 for=1s\n1s crash node=3 for=2s\n2s disk-failure node=3 for=9s\n");
  To(4000);
  EXPECT_EQ(node(2).life, 2);
  EXPECT_EQ(node(3).life, 2);
  EXPECT_THAT(Account(), ElementsAre("3 1s inf", "2 2s inf"));
  EXPECT_THAT(faults_->left_out(), ElementsAre(HasSubstr("disk-failure node=3")));
  EXPECT_EQ(faults_->done().at("disk failure"), 1);
}

TEST_F(ProcessFaultsTest, LeavesOutWhatMeansNothingHere) {
  Use(Durability::kMemory,
      "1s slow-disk node=1 by=1s for=1s\n1s full-disk node=2 for=1s\n1s bit-flip node=3 for=1s\n");
  To(3000);
  EXPECT_THAT(faults_->left_out(), SizeIs(3));
  EXPECT_THAT(faults_->done(), IsEmpty());
  EXPECT_FALSE(node(2).full);
}

TEST_F(ProcessFaultsTest, HealingStartsWhoIsDownAndLetsAllGoOn) {
  Use(Durability::kSynced,
      "1s crash node=1 for=50s\n1s full-disk node=2 for=50s\n1s pause node=3 for=50s\n"
      "2s crash node=2 for=1s\n");
  To(5000);
  EXPECT_FALSE(node(1).up || node(2).up);
  EXPECT_TRUE(node(3).paused);
  ASSERT_TRUE(faults_->Heal(absl::Seconds(5)).ok());
  for (NodeId id = 1; id <= kNodes; ++id) {
    EXPECT_TRUE(node(id).up);
    EXPECT_FALSE(node(id).paused || node(id).full);
  }
  // Nothing more is done.
  To(55000);
  EXPECT_EQ(faults_->restarts(), 2);
}

}  // namespace
}  // namespace quorate::nemesis
