#include "loadgen/check/recorder.h"

#include <functional>
#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/messages.h"
#include "loadgen/check/history.h"

namespace quorate::check {
namespace {

Ended Answer(Nanos end, std::optional<Order> order = std::nullopt) {
  Ended ended;
  ended.end = end;
  ended.order = order;
  return ended;
}

Recorder::Slot BeginWrite(Recorder* recorder, uint64_t value, Nanos start) {
  return recorder->Begin(Began{1, 2, Kind::kWrite, value, start});
}

Recorder::Slot BeginRead(Recorder* recorder, Nanos start) {
  return recorder->Begin(Began{1, 2, Kind::kRead, 0, start});
}

TEST(RecorderTest, NotesWhatWasAskedAndAnswered) {
  Recorder recorder{RecorderOptions()};
  const Recorder::Slot read = recorder.Begin(Began{3, 4, Kind::kRead, 0, 100});
  Ended ended = Answer(200, Order{1, 2, 3});
  ended.node = 7;
  ended.found = true;
  ended.value = 55;
  recorder.End(read, ended);
  const History history = FinishRecording({&recorder});
  ASSERT_EQ(history.operations.size(), 1u);
  const Operation& operation = history.operations[0];
  EXPECT_EQ(operation.key, 3u);
  EXPECT_EQ(operation.session, 4u);
  EXPECT_EQ(operation.kind, Kind::kRead);
  EXPECT_EQ(operation.outcome, Outcome::kOk);
  EXPECT_EQ(operation.node, 7);
  EXPECT_EQ(operation.found, 1);
  EXPECT_EQ(operation.value, 55u);
  EXPECT_EQ(operation.order_known, 1);
  EXPECT_EQ(operation.order, 1u);
  EXPECT_EQ(operation.start, 100);
  EXPECT_EQ(operation.end, 200);
  EXPECT_FALSE(history.cut_at.has_value());
  EXPECT_EQ(recorder.size(), 0u);
}

TEST(RecorderTest, OrdersKeepTheirOrderWithinAKey) {
  Recorder recorder{RecorderOptions()};
  const std::vector<Order> orders = {{2, 0, 0}, {1, 9, 9}, {1, 9, 8}, {0, 5, 0}, {1, 9, 9}, {}};
  for (size_t i = 0; i < orders.size(); ++i) {
    recorder.End(BeginRead(&recorder, static_cast<Nanos>(i)), Answer(1000, orders[i]));
  }
  recorder.End(BeginRead(&recorder, 99), Answer(1000));  // says no order
  // Of another key, which has numbers of its own.
  recorder.End(recorder.Begin(Began{2, 0, Kind::kRead, 0, 0}), Answer(1, Order{7, 7, 7}));
  const History history = FinishRecording({&recorder});
  std::vector<uint64_t> numbers;
  for (const Operation& operation : history.operations) numbers.push_back(operation.order);
  EXPECT_THAT(numbers, testing::ElementsAre(4, 3, 2, 1, 3, 0, 0, 1));
  EXPECT_EQ(history.operations[5].order_known, 1);
  EXPECT_EQ(history.operations[6].order_known, 0);
}

TEST(RecorderTest, WhatNeverEndsIsUnknown) {
  Recorder recorder{RecorderOptions()};
  BeginWrite(&recorder, 11, 5);
  const History history = FinishRecording({&recorder});
  ASSERT_EQ(history.operations.size(), 1u);
  EXPECT_EQ(history.operations[0].outcome, Outcome::kUnknown);
  EXPECT_EQ(history.operations[0].end, kNever);
}

TEST(RecorderTest, AFullRecorderCutsTheHistoryWhereItIsStillWhole) {
  RecorderOptions options;
  options.operations_max = 4;
  Recorder recorder(options);
  const Recorder::Slot write = BeginWrite(&recorder, 11, 10);
  const Recorder::Slot early = BeginRead(&recorder, 20);
  const Recorder::Slot late = BeginRead(&recorder, 30);
  const Recorder::Slot at_cut = BeginRead(&recorder, 35);
  EXPECT_FALSE(recorder.cut_at().has_value());
  const Recorder::Slot refused = BeginWrite(&recorder, 12, 40);
  EXPECT_EQ(refused, Recorder::kNotRecorded);
  recorder.End(early, Answer(39));
  recorder.End(at_cut, Answer(40));
  recorder.End(late, Answer(55));  // may have seen the write that is not here
  recorder.End(refused, Answer(50));
  recorder.End(write, Answer(60));
  EXPECT_EQ(recorder.cut_at(), 40);
  EXPECT_EQ(BeginWrite(&recorder, 13, 70), Recorder::kNotRecorded);
  const History history = FinishRecording({&recorder});
  EXPECT_EQ(history.cut_at, 40);
  ASSERT_EQ(history.operations.size(), 2u);
  EXPECT_EQ(history.operations[0].value, 11u);
  EXPECT_EQ(history.operations[0].end, 60);
  EXPECT_EQ(history.operations[1].start, 20);
}

TEST(RecorderTest, SeveralRecordersMakeOneHistoryCutAtTheEarliest) {
  RecorderOptions small;
  small.operations_max = 1;
  Recorder first{RecorderOptions()};
  Recorder second(small);
  Recorder third(small);
  first.End(BeginWrite(&first, 11, 0), Answer(5, Order{0, 9, 0}));
  second.End(BeginWrite(&second, 12, 6), Answer(8, Order{0, 3, 0}));
  third.End(BeginWrite(&third, 13, 7), Answer(9, Order{0, 4, 0}));
  BeginWrite(&third, 15, 300);
  BeginWrite(&second, 14, 200);
  first.End(BeginRead(&first, 150), Answer(250));
  const History history = FinishRecording({&first, &second, &third});
  EXPECT_EQ(history.cut_at, 200);
  ASSERT_EQ(history.operations.size(), 3u);
  EXPECT_EQ(history.operations[0].order, 3u);
  EXPECT_EQ(history.operations[1].order, 1u);
  EXPECT_EQ(history.operations[2].order, 2u);
}

// Notes the write of `value`, or a delete for 0, and a read that shows it.
void Show(Recorder* recorder, uint64_t value, const Order& order, Nanos start) {
  const Recorder::Slot read = BeginRead(recorder, start);
  Ended ended = Answer(start + 5, order);
  ended.found = value != 0;
  ended.value = value;
  recorder->Note({1, value != 0 ? Kind::kWrite : Kind::kDelete, value, order, ended.end});
  recorder->End(read, ended);
}

TEST(RecorderTest, TheLeastThatIsKnownOfAKeyIsAWriteBeforeAllElse) {
  for (const uint64_t value : {uint64_t{10}, uint64_t{0}}) {
    Recorder recorder{RecorderOptions()};
    Show(&recorder, value, Order{0, 4, 0}, 0);
    recorder.End(BeginWrite(&recorder, 11, 10), Answer(15, Order{0, 5, 0}));
    BeginWrite(&recorder, 12, 20);  // nobody knows its order, so it says nothing
    const History history = FinishRecording({&recorder});
    ASSERT_EQ(history.operations.size(), 4u);
    const Operation& held = history.operations[0];
    EXPECT_EQ(held.kind, value != 0 ? Kind::kWrite : Kind::kDelete);
    EXPECT_EQ(held.session, kNoSession);
    EXPECT_EQ(held.start, kBeforeAll);
    EXPECT_EQ(held.end, kBeforeAll);
    EXPECT_EQ(held.outcome, Outcome::kOk);
    EXPECT_EQ(held.order, 1u);
    EXPECT_EQ(history.operations[2].order, 2u);
  }
}

TEST(RecorderTest, OtherForeignWritesHaveAnUnknownOutcome) {
  // By what else is known of the key.
  const std::vector<std::function<void(Recorder*)>> cases = {
      [](Recorder* recorder) { recorder->End(BeginRead(recorder, 10), Answer(15, Order())); },
      [](Recorder* recorder) { recorder->End(BeginRead(recorder, 10), Answer(15)); },
      [](Recorder* recorder) {
        recorder->End(BeginWrite(recorder, 11, 0), Answer(3, Order{0, 3, 0}));
      },
      [](Recorder* recorder) {
        recorder->End(BeginWrite(recorder, 11, 0), Answer(3, Order{0, 4, 0}));
      },
      [](Recorder* recorder) { recorder->End(BeginWrite(recorder, 11, 0), Answer(3)); },
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    Recorder recorder{RecorderOptions()};
    Show(&recorder, 10, Order{0, 4, 0}, 0);
    cases[i](&recorder);
    const History history = FinishRecording({&recorder});
    ASSERT_EQ(history.operations.size(), 3u);
    EXPECT_EQ(history.operations[0].value, 10u);
    EXPECT_EQ(history.operations[0].order_known, 1);
    EXPECT_EQ(history.operations[0].outcome, Outcome::kUnknown);
    EXPECT_EQ(history.operations[0].end, kNever);
  }
  Recorder recorder{RecorderOptions()};
  Show(&recorder, 10, Order{0, 4, 0}, 0);
  Show(&recorder, 9, Order{0, 3, 0}, 20);
  const History history = FinishRecording({&recorder});
  ASSERT_EQ(history.operations.size(), 4u);
  EXPECT_EQ(history.operations[0].value, 9u) << "seen later, and yet there before";
  EXPECT_EQ(history.operations[0].outcome, Outcome::kOk);
  EXPECT_EQ(history.operations[1].value, 10u);
  EXPECT_EQ(history.operations[1].outcome, Outcome::kUnknown);
}

TEST(RecorderTest, WhatOthersWroteCutsAFullHistoryWhereItWasSeen) {
  RecorderOptions options;
  options.operations_max = 2;
  Recorder recorder{options};
  recorder.End(BeginWrite(&recorder, 11, 0), Answer(5, Order{0, 5, 0}));
  recorder.End(BeginRead(&recorder, 10), Answer(20, Order{0, 5, 0}));
  recorder.Note({2, Kind::kWrite, 10, Order{0, 4, 0}, /*seen_at=*/100});
  const History history = FinishRecording({&recorder});
  EXPECT_EQ(history.cut_at, 100);
  EXPECT_EQ(history.operations.size(), 2u) << "the read that came before is there";
}

TEST(RecorderTest, KeepsManyMoreThanOneChunk) {
  Recorder recorder{RecorderOptions()};
  constexpr uint64_t kOperations = 200'000;
  std::vector<Recorder::Slot> slots;
  for (uint64_t i = 0; i < kOperations; ++i) {
    slots.push_back(BeginWrite(&recorder, i + 1, static_cast<Nanos>(i)));
  }
  for (uint64_t i = kOperations; i-- > 0;) {
    recorder.End(slots[i], Answer(static_cast<Nanos>(kOperations + i), Order{0, i + 1, 0}));
  }
  const History history = FinishRecording({&recorder});
  ASSERT_EQ(history.operations.size(), kOperations);
  for (uint64_t i = 0; i < kOperations; ++i) {
    ASSERT_EQ(history.operations[i].value, i + 1);
    ASSERT_EQ(history.operations[i].order, i + 1);
  }
}

}  // namespace
}  // namespace quorate::check
