#include "loadgen/operation_table.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace quorate::loadgen {
namespace {

std::vector<uint64_t> InOrder(OperationTable* table) {
  std::vector<uint64_t> ids;
  for (auto* entry = table->First(); entry != nullptr; entry = table->After(*entry)) {
    ids.push_back(entry->id);
  }
  return ids;
}

TEST(OperationTableTest, IsEmptyAtFirst) {
  OperationTable table;
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.First(), nullptr);
  EXPECT_EQ(table.Find(0), nullptr);
  EXPECT_EQ(table.Find(12345), nullptr);
}

TEST(OperationTableTest, AnIdIsNeverUsedAgain) {
  OperationTable table;
  const uint64_t first = table.Add().id;
  table.Remove(table.Find(first));
  const uint64_t second = table.Add().id;
  EXPECT_NE(first, second);
  EXPECT_EQ(table.Find(first), nullptr);
  ASSERT_NE(table.Find(second), nullptr);
  EXPECT_EQ(table.Find(second)->id, second);
}

TEST(OperationTableTest, KeepsWhatAListWouldKeep) {
  std::mt19937_64 random(1);
  OperationTable table;
  std::vector<uint64_t> expected;
  for (int step = 0; step < 20000; ++step) {
    if (expected.empty() || random() % 100 < 52) {
      const uint64_t id = table.Add().id;
      table.Find(id)->tag = id * 3;
      expected.push_back(id);
    } else {
      const auto victim = expected.begin() + static_cast<int64_t>(random() % expected.size());
      OperationTable::Entry* const entry = table.Find(*victim);
      ASSERT_NE(entry, nullptr);
      ASSERT_EQ(entry->tag, *victim * 3);
      table.Remove(entry);
      expected.erase(victim);
    }
    ASSERT_EQ(table.size(), expected.size());
    if (step % 500 == 0) {
      ASSERT_EQ(InOrder(&table), expected);
    }
  }
  EXPECT_TRUE(std::is_sorted(expected.begin(), expected.end(), [](uint64_t a, uint64_t b) {
    return a >> 21 < b >> 21;  // by serial number
  }));
}

}  // namespace
}  // namespace quorate::loadgen
