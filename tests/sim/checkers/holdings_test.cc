#include "tests/sim/checkers/holdings.h"

#include "gtest/gtest.h"

#include "tests/sim/checkers/story.h"

namespace quorate::sim {
namespace {

// A record of a later epoch stands for what an earlier one writes afterwards: its node holds that
// write from its beginning, and has not held it where it had forgotten the record before.
TEST(HoldingsTest, WhoForgotBeforeAWriteBeganHasNotHeldIt) {
  for (const bool forgets : {false, true}) {
    Story story(Setting(3, 1, 1));
    story.Stored(3, "key", Record::Sequenced(2, 1, /*tombstone=*/false, "later"));
    if (forgets) story.Crash(3);
    const size_t set = story.Begin(1, OperationKind::kSet, "value1");
    story.Stored(1, 1);
    story.End(set, Record{Version::Sequenced(1, 1), {}}, 1);
    Holdings holdings(story.history);
    for (size_t i = 0; i < story.history.events().size(); ++i) holdings.Apply(i);
    ASSERT_EQ(holdings.writes().size(), 1u);
    const TrackedWrite& write = holdings.writes()[0];
    EXPECT_TRUE(write.holders.Has(1));
    EXPECT_FALSE(write.ever.Has(2));
    EXPECT_EQ(write.ever.Has(3), !forgets);
    EXPECT_FALSE(write.lost.Has(3)) << "it has not forgotten the write, which had not begun";
  }
}

TEST(HoldingsTest, WhoForgetsAWriteHoldsItAgainOnceItIsThere) {
  Story story(Setting(3, 1, 1));
  const size_t set = story.Begin(1, OperationKind::kSet, "value1");
  story.Stored(1, 1);
  story.End(set, Record{Version::Sequenced(1, 1), {}}, 1);
  story.Stored(2, 1);
  story.Crash(2);
  const size_t crashed = story.history.events().size();
  story.Start(2);
  story.Stored(2, 1);
  Holdings holdings(story.history);
  const TrackedWrite& write = holdings.writes().at(0);
  for (size_t i = 0; i < crashed; ++i) holdings.Apply(i);
  EXPECT_FALSE(write.holders.Has(2));
  EXPECT_TRUE(write.lost.Has(2));
  for (size_t i = crashed; i < story.history.events().size(); ++i) holdings.Apply(i);
  EXPECT_TRUE(write.holders.Has(2));
  EXPECT_FALSE(write.lost.Has(2));
}

}  // namespace
}  // namespace quorate::sim
