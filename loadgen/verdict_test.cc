#include "loadgen/verdict.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Nanos kMs = 1'000'000;

// A thousand reads of 10 ms with the given send lag, all in time.
RunStats Healthy(Nanos lag) {
  RunStats stats;
  stats.scheduled = 1000;
  stats.ended_in_window = 1000;
  for (int i = 0; i < 1000; ++i) {
    ++stats.reads.ok;
    stats.reads.response.Record(10 * kMs);
    stats.send_lag.Record(lag);
  }
  return stats;
}

TEST(VerdictTest, Valid) {
  const Verdict verdict = Judge(Healthy(kMs / 10), Place{});
  EXPECT_EQ(verdict.judgement, Judgement::kValid);
  EXPECT_THAT(verdict.reasons, IsEmpty());
}

TEST(VerdictTest, SharedMachine) {
  const Verdict verdict = Judge(Healthy(kMs / 10), Place{true, 2});
  EXPECT_EQ(verdict.judgement, Judgement::kShared);
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("2 cores")));
}

TEST(VerdictTest, LagThatShows) {
  const Verdict verdict = Judge(Healthy(kMs), Place{});
  EXPECT_EQ(verdict.judgement, Judgement::kShared);
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("send lag is 10 %")));
}

TEST(VerdictTest, LagThatRules) {
  const Verdict verdict = Judge(Healthy(6 * kMs), Place{true, 2});
  EXPECT_EQ(verdict.judgement, Judgement::kVoid);
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("60 %"), HasSubstr("2 cores")));
}

// Writes that take long do not hide what the lag does to reads.
TEST(VerdictTest, LagIsNamedThatRulesOneKind) {
  RunStats stats = Healthy(20 * kMs);
  for (int i = 0; i < 200; ++i) {
    ++stats.scheduled;
    ++stats.ended_in_window;
    ++stats.writes.ok;
    stats.writes.response.Record(500 * kMs);
  }
  const Verdict verdict = Judge(stats, Place{});
  EXPECT_EQ(verdict.judgement, Judgement::kShared) << "writes, and what was stale, can be used";
  EXPECT_THAT(verdict.reasons,
              ElementsAre(HasSubstr("200 % of that of the response time of reads")));
  EXPECT_TRUE(ForbidLatenciesOf("read", verdict.reasons));
  EXPECT_FALSE(ForbidLatenciesOf("write", verdict.reasons));
  EXPECT_FALSE(ForbidLatenciesOf("read", {}));
}

TEST(VerdictTest, MissedOperations) {
  RunStats stats = Healthy(0);
  stats.missed = 1;
  EXPECT_EQ(Judge(stats, Place{}).judgement, Judgement::kValid);
  stats.missed = 2;
  EXPECT_THAT(Judge(stats, Place{}).reasons, ElementsAre("2 operations were missed"));
  EXPECT_EQ(Judge(stats, Place{}).judgement, Judgement::kVoid);
}

TEST(VerdictTest, LessThanOffered) {
  RunStats stats = Healthy(0);
  stats.ended_in_window = 988;
  EXPECT_EQ(Judge(stats, Place{}).judgement, Judgement::kValid);
  stats.ended_in_window = 900;
  EXPECT_THAT(Judge(stats, Place{}).reasons, ElementsAre(HasSubstr("90.0 %")));
}

TEST(VerdictTest, WhatIsUnderWayAtTheEndWasSentInTime) {
  RunStats stats = Healthy(0);
  stats.ended_in_window = 950;  // operations take a twentieth of the window
  stats.in_flight_at_end = 50;
  EXPECT_EQ(Judge(stats, Place{}).judgement, Judgement::kValid);
  stats.in_flight_at_end = 10;
  EXPECT_EQ(Judge(stats, Place{}).judgement, Judgement::kVoid);
}

TEST(VerdictTest, AClosedLoopOffersNoMoreThanWhatEnds) {
  RunStats stats = Healthy(0);
  stats.closed_loop = 100;
  stats.ended_in_window = 900;
  EXPECT_EQ(Judge(stats, Place{}).judgement, Judgement::kValid);
}

TEST(VerdictTest, NothingMeasured) {
  EXPECT_EQ(Judge(RunStats{}, Place{}).judgement, Judgement::kVoid);
}

}  // namespace
}  // namespace quorate::loadgen
