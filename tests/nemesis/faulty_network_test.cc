#include "tests/nemesis/faulty_network.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/sim/schedule.h"

namespace quorate::nemesis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kHead[] =
    "quorate schedule 1\nstrategy leaderless\nn 3\nw 2\nr 2\nkeys 1\nheal 10s\n";
constexpr NodeId kSelf = 1;

class FaultyNetworkTest : public ::testing::Test {
 protected:
  void Use(const std::string& more, absl::Duration jitter = absl::ZeroDuration(),
           bool keeps_order = false) {
    faults_ = std::make_unique<FaultTimeline>(*sim::ParseSchedule(absl::StrCat(kHead, more)),
                                              /*can_fill_disks=*/false);
    FaultyNetworkOptions options;
    options.self = kSelf;
    options.seed = 7;
    options.plan.base_min = options.plan.base_max = absl::Milliseconds(1);
    options.plan.jitter_mean = jitter;
    options.plan.keeps_order = keeps_order;
    // The run began at 100 s of the monotonic clock.
    network_ = std::make_unique<FaultyNetwork>(
        options, faults_.get(), [](MonotonicTime now) { return now - absl::Seconds(100); },
        &counters_);
  }

  static MonotonicTime At(double seconds) { return absl::Seconds(100) + absl::Seconds(seconds); }

  void Arrive(double at, NodeId from, int name) {
    peer::v1::Batch batch;
    batch.set_from(from);
    batch.set_sequence(static_cast<uint64_t>(name));
    network_->Add(At(at), batch, [this, name, alive = alive_](const peer::v1::Batch& due) {
      EXPECT_EQ(due.sequence(), static_cast<uint64_t>(name));
      delivered_.push_back(name);
    });
  }

  std::vector<int> ReleaseAt(double at) {
    delivered_.clear();
    next_ = network_->Release(At(at));
    return delivered_;
  }

  // How many deliveries somebody can still make.
  long alive() const { return alive_.use_count() - 1; }

  FaultCounters counters_;
  std::unique_ptr<FaultTimeline> faults_;
  std::unique_ptr<FaultyNetwork> network_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  std::vector<int> delivered_;
  MonotonicTime next_;
};

TEST_F(FaultyNetworkTest, DelaysAndThenDelivers) {
  Use("");
  Arrive(1, 2, 1);
  EXPECT_THAT(ReleaseAt(1), IsEmpty());
  EXPECT_EQ(next_, At(1.001));
  EXPECT_THAT(ReleaseAt(1.001), ElementsAre(1));
  EXPECT_EQ(next_, absl::InfiniteDuration());
  EXPECT_EQ(alive(), 0);
}

TEST_F(FaultyNetworkTest, LosesAndRepeatsByChance) {
  Use("loss 300\nrepeat 200\n");
  for (int i = 0; i < 2000; ++i) Arrive(1, 2, i);
  // 1.2 copies of each, 70 % of which come.
  EXPECT_NEAR(static_cast<double>(ReleaseAt(2).size()), 2000 * 1.2 * 0.7, 150);
  EXPECT_EQ(counters_.lost + delivered_.size(), 2000 + counters_.repeated);
  EXPECT_GT(counters_.repeated, 300u);
  EXPECT_EQ(alive(), 0);
  // Not before the run, nor after healing.
  for (const double at : {-1.0, 10.0}) {
    for (int i = 0; i < 200; ++i) Arrive(at, 2, i);
    EXPECT_THAT(ReleaseAt(at + 1), SizeIs(200));
  }
}

TEST_F(FaultyNetworkTest, ReordersUnlessItKeepsTheOrder) {
  for (const bool keeps_order : {false, true}) {
    Use("", absl::Milliseconds(5), keeps_order);
    counters_.overtaken = 0;
    std::vector<int> sent;
    for (int i = 0; i < 100; ++i) {
      Arrive(1 + i * 0.0001, 2, i);
      sent.push_back(i);
    }
    EXPECT_EQ(ReleaseAt(3) == sent, keeps_order);
    EXPECT_EQ(counters_.overtaken == 0, keeps_order);
  }
}

TEST_F(FaultyNetworkTest, WhatIsUnderWayWhenACutBeginsIsLost) {
  Use("1s one-way nodes=2 for=1s\n");
  Arrive(0.9995, 2, 1);
  Arrive(0.9995, 3, 2);
  Arrive(1.5, 2, 3);
  EXPECT_THAT(ReleaseAt(1.9), ElementsAre(2));
  EXPECT_EQ(counters_.cut, 2u);
  EXPECT_EQ(alive(), 0);
  Arrive(2.1, 2, 4);
  EXPECT_THAT(ReleaseAt(2.2), ElementsAre(4));
}

TEST_F(FaultyNetworkTest, WhatIsSentDuringACutIsLostThoughItWouldComeLater) {
  Use("1s one-way nodes=2 for=1s\n1.5s clog from=2 to=1 by=2s for=2s\n");
  Arrive(1.9, 2, 1);
  EXPECT_EQ(alive(), 0);
  EXPECT_EQ(counters_.cut, 1u);
  EXPECT_EQ(counters_.clogged, 0u);
  Arrive(2.1, 2, 2);
  EXPECT_THAT(ReleaseAt(5), ElementsAre(2));
  EXPECT_EQ(counters_.cut, 1u);
}

TEST_F(FaultyNetworkTest, ACutThatBeginsAndEndsWhileSomethingIsUnderWayTakesNothing) {
  Use("0.5s clog from=2 to=1 by=2s for=1s\n1s one-way nodes=2 for=1s\n");
  Arrive(0.9, 2, 1);
  EXPECT_THAT(ReleaseAt(2.5), IsEmpty());
  EXPECT_THAT(ReleaseAt(3), ElementsAre(1));
  EXPECT_EQ(counters_.cut, 0u);
}

TEST_F(FaultyNetworkTest, AClogMakesOneWaySlow) {
  Use("1s clog from=2 to=1 by=0.5s for=1s\n");
  Arrive(1.1, 2, 1);
  Arrive(1.1, 3, 2);
  EXPECT_THAT(ReleaseAt(1.2), ElementsAre(2));
  EXPECT_EQ(next_, At(1.601));
  EXPECT_THAT(ReleaseAt(1.7), ElementsAre(1));
  EXPECT_EQ(counters_.clogged, 1u);
}

TEST_F(FaultyNetworkTest, ForgetsWhatIsHeld) {
  Use("");
  Arrive(1, 2, 1);
  network_->Clear();
  EXPECT_EQ(alive(), 0);
  EXPECT_THAT(ReleaseAt(2), IsEmpty());
}

}  // namespace
}  // namespace quorate::nemesis
