#include "loadgen/delay_estimator.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

WriteProbe::Replica Shown(Poll last_without, Poll first_with) {
  return WriteProbe::Replica{last_without, first_with};
}

TEST(DelayEstimatorTest, TakesTheMiddleBetweenThePolls) {
  DelayEstimator estimator(3, 2, DelayEstimatorOptions());
  WriteProbe probe;
  probe.sent = 1000;
  probe.acknowledged = 1500;
  probe.replicas = {
      Shown({1000, 1040}, {1100, 1180}),                    // looked at 1020 and 1140
      WriteProbe::Replica{std::nullopt, Poll{1200, 1240}},  // the first poll showed it
      Shown({1900, 1920}, {1930, 1950}),                    // long after the acknowledgement
  };
  ASSERT_TRUE(estimator.AddWrite(probe));
  ASSERT_TRUE(estimator.AddRead({100, 61, 0}));
  const DelaySamples& samples = estimator.samples();
  EXPECT_EQ(samples.writes[0].write, (std::vector<Nanos>{80, 110, 925}));
  // The second smallest is 110, and the client waited 500.
  EXPECT_EQ(samples.writes[0].acknowledge, (std::vector<Nanos>{390, 390, 390}));
  EXPECT_EQ(samples.reads[0].read, (std::vector<Nanos>{50, 30, 0}));
  EXPECT_EQ(samples.reads[0].respond, (std::vector<Nanos>{50, 31, 0}));
  EXPECT_EQ(estimator.MeanUncertainty(), (120 + 220 + 30) / 3);
}

TEST(DelayEstimatorTest, AWriteThatNeverShowsCountsFromTheLastPoll) {
  DelayEstimator estimator(1, 1, DelayEstimatorOptions());
  WriteProbe probe;
  probe.acknowledged = 10;
  probe.replicas = {WriteProbe::Replica{Poll{990, 1010}, std::nullopt}};
  ASSERT_TRUE(estimator.AddWrite(probe));
  EXPECT_EQ(estimator.samples().writes[0].write, std::vector<Nanos>{1000});
  EXPECT_EQ(estimator.samples().writes[0].acknowledge, std::vector<Nanos>{0});
  EXPECT_EQ(estimator.never_shown(), 1u);
  EXPECT_EQ(estimator.Assumptions().size(), 4u);
}

TEST(DelayEstimatorTest, RefusesProbesThatMakeNoSense) {
  DelayEstimator estimator(1, 1, DelayEstimatorOptions());
  WriteProbe probe;
  EXPECT_FALSE(estimator.AddWrite(probe));  // no replica
  probe.replicas = {WriteProbe::Replica()};
  EXPECT_FALSE(estimator.AddWrite(probe));  // never polled
  probe.replicas = {Shown({10, 12}, {5, 7})};
  EXPECT_FALSE(estimator.AddWrite(probe));  // shown before it was not
  probe.replicas = {Shown({10, 9}, {15, 17})};
  EXPECT_FALSE(estimator.AddWrite(probe));  // answered before it was asked
  probe.replicas = {Shown({5, 7}, {10, 12})};
  probe.acknowledged = -1;
  EXPECT_FALSE(estimator.AddWrite(probe));
  EXPECT_FALSE(estimator.AddRead({}));
  EXPECT_FALSE(estimator.AddRead({-1}));
  EXPECT_EQ(estimator.writes(), 0u);
  EXPECT_TRUE(estimator.samples().writes.empty());
}

TEST(DelayEstimatorTest, KeepsAUniformSampleOfMany) {
  DelayEstimatorOptions options;
  options.limit = 1000;
  DelayEstimator estimator(1, 1, options);
  for (Nanos i = 0; i < 100'000; ++i) ASSERT_TRUE(estimator.AddRead({2 * i}));
  ASSERT_EQ(estimator.samples().reads.size(), 1000u);
  double sum = 0;
  for (const ReadDelays& delays : estimator.samples().reads) {
    sum += static_cast<double>(delays.read[0]);
  }
  // The mean of 1,000 draws from 0..99,999 has a standard deviation of 913.
  EXPECT_NEAR(sum / 1000, 50'000, 4000);
}

// Replicas with known delays are polled as a client would do it; the prediction from what it sees
// must be close to that from the delays themselves.
TEST(DelayEstimatorTest, PredictsAsTheTrueDelaysDo) {
  std::mt19937_64 random(11);
  const auto up_to = [&random](Nanos limit) {
    return static_cast<Nanos>(random() % static_cast<uint64_t>(limit));
  };
  constexpr Nanos kPollEvery = 20'000;
  DelayEstimator estimator(3, 1, DelayEstimatorOptions());
  DelaySamples truth;
  for (int i = 0; i < 5000; ++i) {
    WriteDelays write;
    for (int replica = 0; replica < 3; ++replica) {
      write.write.push_back(up_to(replica == 0 ? 50'000 : 3'000'000));
      write.acknowledge.push_back(50'000);
    }
    truth.writes.push_back(write);
    truth.reads.push_back({{50'000, 50'000, 50'000}, {50'000, 50'000, 50'000}});
    WriteProbe probe;
    probe.acknowledged = std::numeric_limits<Nanos>::max();
    for (const Nanos applied : write.write) {
      probe.acknowledged = std::min(probe.acknowledged, applied + 50'000);
      WriteProbe::Replica seen;
      for (Nanos sent = up_to(kPollEvery); !seen.first_with.has_value(); sent += kPollEvery) {
        const Poll poll{sent, sent + 100'000};
        if (sent + 50'000 < applied) {
          seen.last_without = poll;
        } else {
          seen.first_with = poll;
        }
      }
      probe.replicas.push_back(seen);
    }
    ASSERT_TRUE(estimator.AddWrite(probe));
    ASSERT_TRUE(estimator.AddRead({100'000, 100'000, 100'000}));
  }
  PbsOptions options;
  options.read_replicas = ReadReplicas::kRandom;
  options.trials = 100'000;
  const VisibilityCurve expected = *SimulateJoint(truth, options);
  const VisibilityCurve found = *SimulateJoint(estimator.samples(), options);
  EXPECT_GT(expected.StaleShare(0), 0.5);
  for (const Nanos after : {0, 300'000, 1'000'000, 2'000'000, 2'800'000}) {
    EXPECT_NEAR(found.StaleShare(after), expected.StaleShare(after), 0.01) << after;
  }
}

}  // namespace
}  // namespace quorate::loadgen
