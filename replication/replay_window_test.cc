#include "replication/replay_window.h"

#include <random>
#include <set>

#include "gtest/gtest.h"

namespace quorate {
namespace {

TEST(ReplayWindowTest, AcceptsEachNumberOnce) {
  ReplayWindow window;
  EXPECT_FALSE(window.Accept(0));
  for (const uint64_t number : {1, 3, 2, 1000}) EXPECT_TRUE(window.Accept(number)) << number;
  for (const uint64_t number : {1, 2, 3, 1000}) EXPECT_FALSE(window.Accept(number)) << number;
  EXPECT_TRUE(window.Accept(999));
  EXPECT_EQ(window.highest(), 1000u);
}

TEST(ReplayWindowTest, RefusesWhatIsTooOldToTell) {
  ReplayWindow window;
  EXPECT_TRUE(window.Accept(5000));
  EXPECT_FALSE(window.Accept(5000 - ReplayWindow::kWidth));
  EXPECT_TRUE(window.Accept(5000 - ReplayWindow::kWidth + 1));
}

TEST(ReplayWindowTest, AgreesWithAnUnboundedMemory) {
  std::mt19937 rng(3);
  ReplayWindow window;
  std::set<uint64_t> seen;
  uint64_t highest = 0;
  for (int i = 0; i < 100000; ++i) {
    const uint64_t jump = rng() % 1000 == 0 ? 5000 : 40;
    const uint64_t low = highest > 1500 ? highest - 1500 : 0;
    const uint64_t number = low + 1 + rng() % (highest - low + jump);
    const bool too_old = number + ReplayWindow::kWidth <= highest;
    const bool fresh = !too_old && seen.insert(number).second;
    ASSERT_EQ(window.Accept(number), fresh) << number << " after " << highest;
    highest = std::max(highest, number);
  }
}

}  // namespace
}  // namespace quorate
