#include "node/batch_queue.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
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

peer::v1::Batch InSession(uint64_t session, uint64_t sequence, uint64_t seen) {
  peer::v1::Batch batch = BatchOf(sequence);
  batch.set_session(session);
  batch.set_seen(seen);
  batch.add_messages(absl::StrCat("message ", sequence));
  return batch;
}

// The numbers of the batches as they leave the queue.
std::vector<uint64_t> Sequences(BatchQueue* queue) {
  std::vector<uint64_t> sequences;
  size_t dropped = 0;
  while (!queue->empty()) sequences.push_back(queue->Pop(kStart, &dropped)->sequence());
  EXPECT_EQ(dropped, 0u);
  return sequences;
}

TEST(BatchQueueTest, WhatHasQueuedInOneSessionTravelsAsOne) {
  BatchQueue queue;
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(queue.Push(kStart, InSession(7, i, 10 + i), 10));
  size_t dropped = 0;
  const std::optional<peer::v1::Batch> joined = queue.Pop(kStart, &dropped);
  ASSERT_TRUE(joined.has_value());
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(joined->session(), 7u);
  EXPECT_EQ(joined->sequence(), 3u);
  EXPECT_EQ(joined->seen(), 13u);
  EXPECT_THAT(joined->messages(), testing::ElementsAre("message 1", "message 2", "message 3"));
  ASSERT_TRUE(queue.Push(kStart, BatchOf(9), BatchQueue::kMaxBytes)) << "they hold no room";
}

TEST(BatchQueueTest, SessionsAndDirectionsStayApart) {
  BatchQueue queue;
  ASSERT_TRUE(queue.Push(kStart, InSession(7, 1, 0), 10));
  ASSERT_TRUE(queue.Push(kStart, InSession(8, 2, 0), 10));
  peer::v1::Batch reply = InSession(8, 3, 0);
  reply.set_reply(true);
  ASSERT_TRUE(queue.Push(kStart, reply, 10));
  peer::v1::Batch other_life = reply;
  other_life.set_sequence(4);
  other_life.set_to_incarnation(5);
  ASSERT_TRUE(queue.Push(kStart, other_life, 10));
  other_life.set_sequence(5);
  other_life.set_from_incarnation(5);
  ASSERT_TRUE(queue.Push(kStart, other_life, 10));
  EXPECT_THAT(Sequences(&queue), testing::ElementsAre(1, 2, 3, 4, 5));
}

TEST(BatchQueueTest, AJoinedBatchIsBounded) {
  BatchQueue queue;
  const size_t half = BatchQueue::kMaxJoinedBytes / 2;
  for (uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(queue.Push(kStart, InSession(7, i, 0), half));
  ASSERT_TRUE(queue.Push(kStart, InSession(7, 6, 0), 2 * BatchQueue::kMaxJoinedBytes));
  EXPECT_THAT(Sequences(&queue), testing::ElementsAre(2, 4, 5, 6));
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
