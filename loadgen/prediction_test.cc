#include "loadgen/prediction.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr Nanos kMs = kNanosPerSecond / 1000;

// A poll that looked at `at`.
Poll PollAt(Nanos at) { return Poll{at, at}; }

class PredictionTest : public ::testing::Test {
 protected:
  // The first replica has a write after 1 ms, when it is acknowledged; the others after 20 ms.
  PredictionTest() : delays_(5, 1, DelayEstimatorOptions()) {
    for (int i = 0; i < 100; ++i) {
      WriteProbe probe;
      probe.acknowledged = 1 * kMs;
      probe.replicas.resize(5);
      for (size_t replica = 0; replica < 5; ++replica) {
        const Nanos shown = replica == 0 ? 1 * kMs : 20 * kMs;
        probe.replicas[replica] = {PollAt(shown - 10), PollAt(shown)};
      }
      EXPECT_TRUE(delays_.AddWrite(probe));
      EXPECT_TRUE(delays_.AddRead({0, 0, 0, 0, 0}));
    }
  }

  double StaleAt(const PredictionResult& result, double after) const {
    for (const PredictionResult::Point& point : result.points) {
      if (std::abs(point.after - after) < 1e-9) {
        EXPECT_NEAR(point.stale_joint, point.stale_independent, 0.01);
        return point.stale_joint;
      }
    }
    ADD_FAILURE() << "no point at " << after;
    return 0;
  }

  DelayEstimator delays_;
};

TEST_F(PredictionTest, LocalReadsMissAWriteUntilTheirReplicaHasIt) {
  Options options;
  options.read_target = ReadTarget::kLocal;
  const ReadModel reads = ReadModelOf(options, 3, "leader");
  EXPECT_EQ(reads.r, 1);
  const auto prediction = Predict(delays_, 1, reads, {});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_NEAR(StaleAt(prediction->result, 0), 0.8, 0.01);
  EXPECT_NEAR(StaleAt(prediction->result, 0.01), 0.8, 0.01);
  EXPECT_EQ(StaleAt(prediction->result, 0.1), 0);
  EXPECT_EQ(prediction->seen[0].share, 0.5);
  EXPECT_NEAR(prediction->seen[0].after, 0.019, 0.0001);
  EXPECT_EQ(prediction->writes, 100u);
  EXPECT_TRUE(std::isnan(prediction->result.rmse));
  const std::string text = FormatPrediction(*prediction);
  EXPECT_THAT(text, HasSubstr("50% of reads see a write from 19.00ms after it on"));
  EXPECT_THAT(text, HasSubstr("99% of reads see a write from - after")) << "100 writes are too few";
}

TEST_F(PredictionTest, QuorumsThatMeetAreNeverStale) {
  Options options;
  options.mode = Mode::kLeaderless;
  const auto prediction = Predict(delays_, 1, ReadModelOf(options, 5, "replica"), {});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_EQ(StaleAt(prediction->result, 0), 0);
}

TEST_F(PredictionTest, TwoOfTheReplicasMissAWriteTogether) {
  Options options;
  options.mode = Mode::kLeaderless;
  const auto prediction = Predict(delays_, 1, ReadModelOf(options, 2, "replica"), {});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_NEAR(StaleAt(prediction->result, 0.01), 0.6, 0.01) << "4/5 * 3/4";
}

TEST_F(PredictionTest, ReadsThroughTheWriterAreNeverStale) {
  Options options;  // leader mode, reads where writes go
  const auto prediction = Predict(delays_, 1, ReadModelOf(options, 1, "leader"), {});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_EQ(StaleAt(prediction->result, 0), 0);
  EXPECT_THAT(prediction->result.assumptions, Contains(HasSubstr("holds each of them")));
}

TEST_F(PredictionTest, AFollowerDoesNotHoldWhatItsLeaderHas) {
  Options options;
  EXPECT_FALSE(ReadModelOf(options, 1, "follower").through_the_writer);
}

TEST_F(PredictionTest, TellsHowFarItIsFromWhatWasMeasured) {
  Options options;
  options.read_target = ReadTarget::kLocal;
  DeltaBucket bucket;
  bucket.from = 2 * kMs;
  bucket.to = 3 * kMs;
  bucket.reads = 1000;
  bucket.stale = 700;
  const auto prediction = Predict(delays_, 1, ReadModelOf(options, 1, "leader"), {bucket});
  ASSERT_TRUE(prediction.ok()) << prediction.status();
  EXPECT_NEAR(prediction->result.rmse, 0.1, 0.01);
}

TEST(EmptyPredictionTest, ThereIsNoneWithoutSamples) {
  const DelayEstimator delays(5, 1, DelayEstimatorOptions());
  EXPECT_FALSE(Predict(delays, 1, ReadModel(), {}).ok());
}

}  // namespace
}  // namespace quorate::loadgen
