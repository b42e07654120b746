#include "tests/nemesis/fault_timeline.h"

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

#include "tests/sim/schedule.h"

namespace quorate::nemesis {
namespace {

constexpr char kSchedule[] = R"(quorate schedule 1
strategy leaderless
n 4
w 3
r 3
keys 20
loss 7
repeat 9
heal 10s
1s partition nodes=1,2 for=2s
2s one-way nodes=3 for=2s
4s clog from=1 to=2 by=0.1s for=2s
5s clog from=1 to=2 by=0.3s for=0.5s
6s slow-disk node=2 by=0.02s for=1s
6s clock-jump node=3 by=-0.5s
7s disk-failure node=1 for=1s
8s clock-jump node=3 by=0s
8s full-disk node=2 for=1s
9s partition nodes=4 for=5s
)";

absl::Duration At(double seconds) { return absl::Seconds(seconds); }

class FaultTimelineTest : public ::testing::Test {
 protected:
  const sim::Schedule schedule_ = *sim::ParseSchedule(kSchedule);
  const FaultTimeline faults_{schedule_, /*can_fill_disks=*/false};
};

TEST_F(FaultTimelineTest, PartitionsCutBothWaysAndOneWayCutsWhatIsSent) {
  EXPECT_FALSE(faults_.Cut(1, 3, At(0.9)));
  for (const auto& [from, to] : {std::pair<NodeId, NodeId>{1, 3}, {3, 1}, {2, 4}}) {
    EXPECT_TRUE(faults_.Cut(from, to, At(1))) << from << to;
  }
  EXPECT_FALSE(faults_.Cut(1, 2, At(1)));
  EXPECT_FALSE(faults_.Cut(3, 4, At(1)));
  EXPECT_TRUE(faults_.Cut(3, 4, At(2)));
  EXPECT_FALSE(faults_.Cut(4, 3, At(2)));
  EXPECT_TRUE(faults_.Cut(3, 1, At(3.5)));
  EXPECT_FALSE(faults_.Cut(1, 3, At(3.5)));
  EXPECT_FALSE(faults_.Cut(3, 1, At(4)));
}

TEST_F(FaultTimelineTest, TheSlowestClogCounts) {
  EXPECT_EQ(faults_.Clog(1, 2, At(4.5)), absl::Milliseconds(100));
  EXPECT_EQ(faults_.Clog(1, 2, At(5.2)), absl::Milliseconds(300));
  EXPECT_EQ(faults_.Clog(2, 1, At(5.2)), absl::ZeroDuration());
  EXPECT_EQ(faults_.Clog(1, 2, At(6)), absl::ZeroDuration());
}

TEST_F(FaultTimelineTest, DisksAreSlowForAWhile) {
  EXPECT_EQ(faults_.SyncDelay(2, At(6.5)), absl::Milliseconds(20));
  EXPECT_EQ(faults_.SyncDelay(2, At(7)), absl::ZeroDuration());
  EXPECT_EQ(faults_.SyncDelay(1, At(6.5)), absl::ZeroDuration());
}

TEST_F(FaultTimelineTest, ADiskFailsForTheProcessOverIt) {
  EXPECT_FALSE(faults_.DiskFailed(1, At(0), At(6.9)));
  EXPECT_TRUE(faults_.DiskFailed(1, At(0), At(7)));
  EXPECT_TRUE(faults_.DiskFailed(1, -absl::InfiniteDuration(), At(9)));
  EXPECT_FALSE(faults_.DiskFailed(1, At(8), At(8.5)));
  EXPECT_TRUE(faults_.DiskFailed(2, At(0), At(8)));
}

TEST_F(FaultTimelineTest, AFullDiskFailsWhereDisksCannotBeFilled) {
  const FaultTimeline filled(schedule_, /*can_fill_disks=*/true);
  EXPECT_TRUE(filled.DiskFailed(1, At(0), At(7)));
  EXPECT_FALSE(filled.DiskFailed(2, At(0), At(8)));
  int full = 0;
  for (const sim::Fault& fault : schedule_.faults) {
    full += filled.Fills(fault) ? 1 : 0;
    EXPECT_FALSE(faults_.Fills(fault));
  }
  EXPECT_EQ(full, 1);
}

TEST_F(FaultTimelineTest, AClockStaysAheadUntilItJumpsAgain) {
  EXPECT_EQ(faults_.ClockSkew(3, At(5)), absl::ZeroDuration());
  EXPECT_EQ(faults_.ClockSkew(3, At(7.9)), absl::Milliseconds(-500));
  EXPECT_EQ(faults_.ClockSkew(3, At(8)), absl::ZeroDuration());
  EXPECT_EQ(faults_.ClockSkew(1, At(7)), absl::ZeroDuration());
}

TEST_F(FaultTimelineTest, NothingIsWrongBeforeTheStartAndAfterHealing) {
  EXPECT_TRUE(faults_.Cut(4, 1, At(9.9)));
  EXPECT_FALSE(faults_.Cut(4, 1, At(10)));
  EXPECT_FALSE(faults_.DiskFailed(1, At(0), At(10)));
  EXPECT_EQ(faults_.LossPerMille(At(5)), 7);
  EXPECT_EQ(faults_.RepeatPerMille(At(5)), 9);
  for (const absl::Duration at : {-absl::InfiniteDuration(), At(-1), At(10)}) {
    EXPECT_EQ(faults_.LossPerMille(at), 0);
    EXPECT_EQ(faults_.RepeatPerMille(at), 0);
  }
}

}  // namespace
}  // namespace quorate::nemesis
