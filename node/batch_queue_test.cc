#include "node/batch_queue.h"

#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace quorate {
namespace {

constexpr MonotonicTime kStart = absl::Seconds(100);

peer::v1::Batch BatchOf(uint64_t sequence) {
  peer::v1::Batch batch;
  batch.set_sequence(sequence);
  return batch;
}

TEST(BatchQueueTest, IsFirstInFirstOut) {
  BatchQueue queue;
  size_t dropped = 0;
  EXPECT_FALSE(queue.Pop(kStart, &dropped).has_value());
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(queue.Push(kStart, BatchOf(i), 10));
  for (uint64_t i = 1; i <= 3; ++i) {
    const std::optional<peer::v1::Batch> next = queue.Pop(kStart, &dropped);
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(next->sequence(), i);
  }
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(dropped, 0u);
}

TEST(BatchQueueTest, IsBoundedByBytes) {
  BatchQueue queue;
  size_t dropped = 0;
  ASSERT_TRUE(queue.Push(kStart, BatchOf(1), BatchQueue::kMaxBytes - 1));
  EXPECT_FALSE(queue.Push(kStart, BatchOf(2), 2));
  EXPECT_TRUE(queue.Push(kStart, BatchOf(3), 1));
  ASSERT_TRUE(queue.Pop(kStart, &dropped).has_value());
  EXPECT_TRUE(queue.Push(kStart, BatchOf(4), BatchQueue::kMaxBytes - 1)) << "room again";
}

TEST(BatchQueueTest, IsBoundedByNumber) {
  BatchQueue queue;
  for (size_t i = 0; i < BatchQueue::kMaxBatches; ++i) {
    ASSERT_TRUE(queue.Push(kStart, BatchOf(i), 1));
  }
  EXPECT_FALSE(queue.Push(kStart, BatchOf(0), 1));
}

TEST(BatchQueueTest, DropsWhatHasQueuedForTooLong) {
  BatchQueue queue;
  size_t dropped = 0;
  ASSERT_TRUE(queue.Push(kStart, BatchOf(1), BatchQueue::kMaxBytes / 2));
  ASSERT_TRUE(queue.Push(kStart, BatchOf(2), BatchQueue::kMaxBytes / 2));
  ASSERT_TRUE(queue.Push(kStart + absl::Milliseconds(1), BatchOf(3), 0));
  const std::optional<peer::v1::Batch> next =
      queue.Pop(kStart + absl::Milliseconds(1) + BatchQueue::kMaxAge, &dropped);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->sequence(), 3u);
  EXPECT_EQ(dropped, 2u);
  EXPECT_TRUE(queue.Push(kStart, BatchOf(4), BatchQueue::kMaxBytes)) << "they hold no room";
  EXPECT_FALSE(queue.Pop(kStart + absl::Seconds(60), &dropped).has_value());
  EXPECT_EQ(dropped, 3u);
}

}  // namespace
}  // namespace quorate
