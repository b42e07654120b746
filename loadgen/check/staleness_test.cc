#include "loadgen/check/staleness.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "loadgen/check/history.h"
#include "loadgen/check/test_history.h"

namespace quorate::check {
namespace {

using testing::ElementsAre;

Staleness Measure(TestHistory* history, std::vector<StaleRead>* stale) {
  return MeasureStaleness(history->Sorted(),
                          [stale](const StaleRead& read) { stale->push_back(read); });
}

TEST(StalenessTest, CountsMissedWritesAndHowLongTheValueWasObsolete) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 30);
  history.Write(13, 3, 35, 45);
  history.Write(14, 4, 50, 90);  // not acknowledged when the read is sent
  history.Read(11, 1, 60, 70);
  std::vector<StaleRead> stale;
  const Staleness staleness = Measure(&history, &stale);
  EXPECT_EQ(staleness.reads, 1u);
  EXPECT_EQ(staleness.stale, 1u);
  EXPECT_EQ(staleness.missed[2], 1u);
  EXPECT_THAT(staleness.obsolete_at_least, ElementsAre(30));
  ASSERT_EQ(stale.size(), 1u);
  EXPECT_EQ(stale[0].operation, 4u);
  EXPECT_EQ(stale[0].newest, 2u);
  EXPECT_EQ(stale[0].missed, 2u);
  EXPECT_EQ(stale[0].obsolete_at_least, 30);  // since 12 was acknowledged at 30
  EXPECT_EQ(stale[0].obsolete_at_most, 50);   // 12 was sent at 20, the read ended at 70
}

TEST(StalenessTest, OnlyAcknowledgementsBeforeTheReadCount) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 30);
  history.Read(11, 1, 30, 40);  // sent at the very instant
  history.UnknownWrite(13, 50);
  history.Read(13, 3, 60, 70);  // so it had an effect,
  history.Read(12, 2, 80, 90);  // but obliges nobody
  std::vector<StaleRead> stale;
  const Staleness staleness = Measure(&history, &stale);
  EXPECT_EQ(staleness.stale, 0u);
  EXPECT_EQ(staleness.inversions, 1u);
  EXPECT_EQ(staleness.missed[0], 3u);
}

TEST(StalenessTest, AFoundNothingAfterAWriteIsStale) {
  TestHistory history;
  history.Write(11, 1, 0, 10);
  history.ReadNothing(0, 20, 30);
  std::vector<StaleRead> stale;
  EXPECT_EQ(Measure(&history, &stale).stale, 1u);
}

TEST(StalenessTest, WorksOnVersionsThatConcurrentWritesShare) {
  TestHistory history;
  history.history().order_is_total = false;
  history.Write(11, 1, 0, 10);
  history.Write(12, 2, 20, 30);
  history.Write(13, 2, 20, 31);
  history.Read(12, 2, 40, 50);
  history.Read(13, 2, 40, 50);
  history.Read(11, 1, 60, 70);
  std::vector<StaleRead> stale;
  const Staleness staleness = Measure(&history, &stale);
  EXPECT_EQ(staleness.reads, 3u);
  EXPECT_EQ(staleness.stale, 1u);
  EXPECT_EQ(stale[0].missed, 2u);
  EXPECT_EQ(staleness.phantom, 0u);
}

TEST(StalenessTest, CountsApartWhatNoOrderExplains) {
  TestHistory history;
  history.Read(11, 1, 0, 10);
  history.Write(11, 1, 20, 30);
  history.Read(99, 7, 40, 50);
  history.Write(12, 0, 60, 70);
  std::vector<StaleRead> stale;
  const Staleness staleness = Measure(&history, &stale);
  EXPECT_EQ(staleness.future, 1u);
  EXPECT_EQ(staleness.phantom, 1u);
  EXPECT_EQ(staleness.not_judged, 1u);
  EXPECT_EQ(staleness.stale, 0u);
}

TEST(StalenessTest, PercentilesAreExact) {
  Staleness staleness;
  EXPECT_EQ(staleness.ObsoletePercentile(0.5), 0);
  for (Nanos i = 100; i >= 0; --i) staleness.obsolete_at_least.push_back(i);
  EXPECT_EQ(staleness.ObsoletePercentile(0), 0);
  EXPECT_EQ(staleness.ObsoletePercentile(0.5), 50);
  EXPECT_EQ(staleness.ObsoletePercentile(0.99), 99);
  EXPECT_EQ(staleness.ObsoletePercentile(1), 100);
}

TEST(StalenessTest, VeryStaleReadsShareTheLastPlace) {
  TestHistory history;
  for (uint64_t i = 1; i <= 200; ++i) {
    history.Write(i, i, static_cast<Nanos>(i) * 10, static_cast<Nanos>(i) * 10 + 5);
  }
  history.Read(1, 1, 9000, 9001);
  history.Read(199, 199, 9000, 9001);
  std::vector<StaleRead> stale;
  const Staleness staleness = Measure(&history, &stale);
  EXPECT_EQ(staleness.missed[Staleness::kMissedMax], 1u);
  EXPECT_EQ(staleness.missed[1], 1u);
  EXPECT_EQ(stale[0].missed, 199u);
}

}  // namespace
}  // namespace quorate::check
