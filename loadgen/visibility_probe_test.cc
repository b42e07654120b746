#include "loadgen/visibility_probe.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

Order Version(uint64_t version) { return Order{0, version, 0}; }

void PollOnce(VisibilityProbe* probe, size_t replica, const Order& order, Nanos sent,
              Nanos answered) {
  ASSERT_TRUE(probe->NeedsPoll(replica, sent));
  probe->OnPollSent(replica, sent);
  EXPECT_FALSE(probe->NeedsPoll(replica, sent));
  probe->OnPollAnswered(replica, order, answered);
}

TEST(VisibilityProbeTest, FollowsAWriteToEveryReplica) {
  VisibilityProbe probe(2, Version(4), 1000);
  EXPECT_FALSE(probe.NeedsPoll(0, 50));
  EXPECT_FALSE(probe.Done(50));
  probe.OnWriteSent(100);
  PollOnce(&probe, 0, Version(4), 101, 110);
  PollOnce(&probe, 1, Version(4), 101, 112);
  PollOnce(&probe, 0, Version(5), 111, 120);  // before the acknowledgement
  EXPECT_FALSE(probe.NeedsPoll(0, 121));
  EXPECT_FALSE(probe.Result().has_value());
  probe.OnWriteAcknowledged(Version(5), 125);
  EXPECT_FALSE(probe.Done(126));
  PollOnce(&probe, 1, Version(4), 130, 140);
  PollOnce(&probe, 1, Version(5), 150, 160);
  EXPECT_TRUE(probe.Done(161));
  EXPECT_EQ(probe.order(), Version(5));
  const std::optional<WriteProbe> result = probe.Result();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->sent, 100);
  EXPECT_EQ(result->acknowledged, 125);
  EXPECT_EQ(result->replicas[0].last_without->sent, 101);
  EXPECT_EQ(result->replicas[0].first_with->answered, 120);
  EXPECT_EQ(result->replicas[1].last_without->answered, 140);
  EXPECT_EQ(result->replicas[1].first_with->sent, 150);
  DelayEstimator estimator(2, 1, DelayEstimatorOptions());
  EXPECT_TRUE(estimator.AddWrite(*result));
}

TEST(VisibilityProbeTest, GivesUpInTime) {
  VisibilityProbe probe(1, Order{}, 1000);
  probe.OnWriteSent(100);
  probe.OnWriteAcknowledged(Version(1), 120);
  PollOnce(&probe, 0, Order{}, 1000, 1010);
  EXPECT_FALSE(probe.Done(1010));
  probe.OnPollSent(0, 1090);
  EXPECT_FALSE(probe.Done(1200));  // a poll is under way
  EXPECT_FALSE(probe.Result().has_value());
  probe.OnPollFailed(0);
  EXPECT_FALSE(probe.NeedsPoll(0, 1100));
  EXPECT_TRUE(probe.Done(1200));
  ASSERT_TRUE(probe.Result().has_value());
  EXPECT_FALSE(probe.Result()->replicas[0].first_with.has_value());
  EXPECT_EQ(probe.Result()->replicas[0].last_without->sent, 1000);
}

TEST(VisibilityProbeTest, WithoutAnAnswerThereIsNoResult) {
  VisibilityProbe silent(1, Order{}, 1000);
  silent.OnWriteSent(0);
  silent.OnWriteAcknowledged(Version(1), 5);
  silent.OnPollSent(0, 10);
  silent.OnPollFailed(0);
  EXPECT_TRUE(silent.NeedsPoll(0, 20));
  EXPECT_TRUE(silent.Done(1000));
  EXPECT_FALSE(silent.Result().has_value());

  VisibilityProbe failed(1, Order{}, 1000);
  failed.OnWriteSent(0);
  PollOnce(&failed, 0, Order{}, 1, 2);
  failed.OnWriteFailed();
  EXPECT_TRUE(failed.Done(5));
  EXPECT_FALSE(failed.NeedsPoll(0, 5));
  EXPECT_FALSE(failed.Result().has_value());
  EXPECT_EQ(failed.order(), Order{});
}

}  // namespace
}  // namespace quorate::loadgen
