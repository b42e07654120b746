#include "replication/leader_follower/log_window.h"

#include "gtest/gtest.h"

namespace quorate {
namespace {

TEST(LogWindowTest, KeepsTheNewestWithinItsBytes) {
  LogWindow window(/*max_bytes=*/50);
  window.Reset(11);
  EXPECT_EQ(window.first(), 11u);
  EXPECT_EQ(window.last(), 10u);
  for (uint64_t number = 11; number <= 20; ++number) window.Append(number, "k", "123456789");
  EXPECT_EQ(window.first(), 16u);
  EXPECT_EQ(window.last(), 20u);
  EXPECT_EQ(window.Bytes(16, 21), 50u);
  EXPECT_EQ(window.Bytes(18, 20), 20u);
  EXPECT_EQ(window.Bytes(20, 18), 0u);
}

TEST(LogWindowTest, KeepsOneEntryHoweverLarge) {
  LogWindow window(/*max_bytes=*/5);
  window.Append(1, "k", std::string(100, 'x'));
  EXPECT_EQ(window.first(), 1u);
  window.Append(2, "k", std::string(100, 'x'));
  EXPECT_EQ(window.first(), 2u);
  EXPECT_EQ(window.last(), 2u);
}

TEST(LogWindowTest, CopiesInPieces) {
  LogWindow window(/*max_bytes=*/1000);
  for (uint64_t number = 1; number <= 6; ++number) window.Append(number, "k", "123456789");
  peer::v1::Replicate message;
  EXPECT_EQ(window.Copy(2, /*max_bytes=*/30, &message), 5u);
  ASSERT_EQ(message.entries_size(), 3);
  EXPECT_EQ(message.entries(0).number(), 2u);
  EXPECT_EQ(message.entries(2).number(), 4u);
  peer::v1::Replicate one;
  EXPECT_EQ(window.Copy(5, /*max_bytes=*/1, &one), 6u) << "at least one entry goes";
  peer::v1::Replicate none;
  EXPECT_EQ(window.Copy(7, /*max_bytes=*/100, &none), 7u);
  EXPECT_EQ(none.entries_size(), 0);
}

}  // namespace
}  // namespace quorate
