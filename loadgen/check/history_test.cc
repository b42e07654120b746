#include "loadgen/check/history.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace quorate::check {
namespace {

Operation At(uint32_t key, Nanos start, Nanos end) {
  Operation operation;
  operation.key = key;
  operation.start = start;
  operation.end = end;
  return operation;
}

TEST(HistoryTest, SplitsByKeyAndSortsByStart) {
  History history;
  history.operations = {At(7, 30, 31), At(2, 20, 25), At(7, 10, 40), At(7, 30, 30), At(2, 1, 2)};
  SortByKey(&history);
  const std::vector<KeyOperations> keys = SplitByKey(history);
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].key, 2u);
  EXPECT_EQ(keys[0].first, 0u);
  EXPECT_EQ(keys[0].operations.size(), 2u);
  EXPECT_EQ(keys[1].key, 7u);
  EXPECT_EQ(keys[1].first, 2u);
  ASSERT_EQ(keys[1].operations.size(), 3u);
  EXPECT_EQ(keys[1].operations[0].start, 10);
  EXPECT_EQ(keys[1].operations[1].end, 30);
  EXPECT_EQ(keys[1].operations[2].end, 31);
}

TEST(HistoryTest, AnEmptyHistoryHasNoKeys) {
  History history;
  SortByKey(&history);
  EXPECT_TRUE(SplitByKey(history).empty());
}

TEST(HistoryTest, UnknownOutcomesNeverFinish) {
  Operation operation = At(1, 5, 9);
  EXPECT_EQ(operation.finish(), 9);
  operation.outcome = Outcome::kUnknown;
  EXPECT_EQ(operation.finish(), kNever);
}

TEST(HistoryTest, InfiniteTimesAreInfinitelyApart) {
  EXPECT_EQ(Between(3, 10), 7);
  EXPECT_EQ(Between(kBeforeAll, 10), kNever);
  EXPECT_EQ(Between(10, kNever), kNever);
  EXPECT_EQ(Between(kBeforeAll + 1, kNever - 1), kNever);
}

TEST(HistoryTest, NamesFallBackToNumbers) {
  History history;
  history.keys = {"apple"};
  history.nodes = {"n1"};
  EXPECT_EQ(KeyName(history, 0), "apple");
  EXPECT_EQ(KeyName(history, 1), "key 1");
  EXPECT_EQ(NodeName(history, 0), "n1");
  EXPECT_EQ(NodeName(history, 4), "node 4");
  EXPECT_EQ(NodeName(history, kNoNode), "");
}

}  // namespace
}  // namespace quorate::check
